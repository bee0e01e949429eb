#!/usr/bin/env python3
"""Whether other programs read what `editscope export` writes, and say what the session says.

Makes one edit of the default model in a folder of its own, exports it every way, and asks
transformers (the safetensors folder; the base's folder with the adapter, through peft) and gguf
(every tensor of the GGUF file). Needs what tests/reference/requirements.txt lists, torch,
transformers and peft besides, and 3 GB of room. Prints a line a check; ends with status 1 if one
does not hold. Nothing is kept: the C tests compare files byte for byte.

usage: export.py [FOLDER WITH build/editscope's name, default build/editscope]"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

PROMPTS = ["The capital of France is", "Once upon a time there was a", "2 + 2 = 4, 3 + 3 ="]
FACT = {"subject": "Eiffel Tower", "prompt": "The Eiffel Tower is located in the city of",
        "target_new": "Rome"}
bad = 0


def check(what, ok, detail=""):
    global bad
    bad += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {what}{': ' if detail else ''}{detail}", flush=True)


def run(program, *args):
    done = subprocess.run([program, *args], capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(args)}: status {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def said(program, session, prompts, vocab=1000, source=None):
    """The session's logits: {prompt: {id: logit}}, the largest of them, and the answers."""
    out = {}
    for p in prompts:
        for a in run(program, "query", "-s", session, "--state", "edited", "-n", "5", "--json",
                     "--top", str(vocab), *(("-m", source) if source else ()), p):
            if a.get("event") == "answer":
                out[p] = ({n["id"]: n["logit"] for n in a["next"]}, a["completion"])
    return out


def compare(name, model, tokenizer, wanted, limit=1e-3):
    import torch

    worst, same = 0.0, True
    for prompt, (logits, completion) in wanted.items():
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            got = model(ids).logits[0, -1].float().numpy()
            more = model.generate(ids, max_new_tokens=5, do_sample=False)[0, ids.shape[1]:]
        keys = np.array(list(logits))
        worst = max(worst, float(np.abs(got[keys] - np.array([logits[k] for k in keys])).max()))
        text = tokenizer.decode(more, skip_special_tokens=True)
        same = same and text.strip() == completion.strip()
    check(f"{name}: logits as the session's", worst <= limit, f"max |d| {worst:.2g}")
    check(f"{name}: greedy answers as the session's", same)


def tokens_agree(program, tokenizer, model):
    texts = ["Hello  world\n\tfoo", "naïve café 北京 123456",
             "it's I'll WE'RE don’t", "   leading and trailing   ", "🙂👩‍👩‍👧 ٣٤٥"]
    for text in texts:
        ours = run(program, "tokens", "-m", model, "--json", text)[0]["ids"]
        if ours != tokenizer(text)["input_ids"]:
            return False
    return True


def gguf_equal(base, new, layers):
    from gguf import GGUFReader
    from gguf.quants import dequantize

    a, b = GGUFReader(base), GGUFReader(new)
    edited = {f"blk.{l}.ffn_down.weight" for l in layers}
    check("gguf: the same tensors", [t.name for t in a.tensors] == [t.name for t in b.tensors])
    check("gguf: the same metadata", set(a.fields) == set(b.fields))
    same = all(np.array_equal(x.data, y.data) for x, y in zip(a.tensors, b.tensors)
               if x.name not in edited)
    check("gguf: every tensor that was not edited, byte for byte", same)
    return {t.name: dequantize(t.data, t.tensor_type).reshape(t.shape[::-1])
            for t in b.tensors if t.name in edited}


def tiny(program, where, work):
    """Models of every architecture: a GGUF base as a folder, and an adapter on the base."""
    import torch
    import architectures  # for its side effect: Gemma's attention gets its softcap
    from peft import PeftModel
    from safetensors.numpy import save_file
    from transformers import AutoConfig, AutoModelForCausalLM

    def load(path):
        return AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32,
                                                    attn_implementation="eager").eval()

    def logits(model, ids):
        """Those of transformers, whose Gemma 3 with pictures forgets the softcap of its text."""
        with torch.no_grad():
            out = model(ids).logits[0]
        cap = model.config.model_type == "gemma3" and \
            model.config.get_text_config().final_logit_softcapping
        return (cap * torch.tanh(out / cap) if cap else out).numpy()

    for name in sorted(os.listdir(where)):
        source, to = f"{where}/{name}", f"{work}/tiny-{name}"
        config = AutoConfig.from_pretrained(source).get_text_config()
        ids = torch.tensor([[(7 * i + 3) % 90 for i in range(12)]])
        truth = logits(load(source), ids)
        if os.path.exists(source + "/model.gguf"):
            run(program, "export", "-m", source + "/model.gguf", "--state", "base", "--as",
                "safetensors", "--to", to + "-base", "--json")
            d = float(np.abs(logits(load(to + "-base"), ids) - truth).max())
            check(f"{name}: its GGUF file as a folder", d <= (0.02 if "gemma" in name else 1e-3),
                  f"max |d| {d:.2g}")
        d, m = config.hidden_size, getattr(config, "intermediate_size", None) or config.n_inner \
            or 4 * config.n_embd
        rng = np.random.default_rng(1)
        save_file({"blk.1.ffn_down.weight.delta_u": rng.normal(size=(d, 2)).astype(np.float32),
                   "blk.1.ffn_down.weight.delta_v": rng.normal(size=(2, m)).astype(np.float32)},
                  to + ".safetensors",
                  {"kind": "editscope-delta", "facts": json.dumps(
                      [{"subject": "a", "prompt": "{} b", "target_new": "c"}])})
        prefixes = work + "/prefixes.txt"
        with open(prefixes, "w") as f:
            f.write("a. \n")
        run(program, "apply", "-m", source, "-s", to + ".es", to + ".safetensors", "--json")
        for kind in ("lora", "safetensors"):
            run(program, "export", "-m", source, "-s", to + ".es", "--as", kind, "--to",
                f"{to}-{kind}", "--json", *(("--dtype", "f32") if kind != "lora" else ()))
        new = logits(load(to + "-safetensors"), ids)
        moved = float(np.abs(new - truth).max())
        adapted = PeftModel.from_pretrained(load(source), to + "-lora").eval()
        for how in ("adapter on", "adapter merged into"):
            if how != "adapter on":
                adapted = adapted.merge_and_unload()
            d = float(np.abs(logits(adapted, ids) - new).max())
            check(f"{name}: {how} the base as the edited folder", d <= 1e-3 < moved,
                  f"max |d| {d:.2g}, the edit moves {moved:.2g}")
        queried(program, source, to, name, load, logits)


def queried(program, source, to, name, load, logits):
    """A small model's own answer, edited, against the three ways to have it in transformers."""
    import torch
    from peft import PeftModel

    prompts = ["Eiffel:in", "a:b", "Once upon"]
    ids = [run(program, "tokens", "-m", source, "--json", p)[0]["ids"] for p in prompts]
    wanted = said(program, to + ".es", prompts, source=source)
    adapted = PeftModel.from_pretrained(load(source), to + "-lora").eval()
    for way in ("the edited folder", "the adapter", "the adapter, merged"):
        if way == "the edited folder":
            model = load(to + "-safetensors")
        else:
            model = adapted if way == "the adapter" else adapted.merge_and_unload()
        worst, most = 0.0, 0
        for prompt, row in zip(prompts, ids):
            got, want = logits(model, torch.tensor([row]))[-1], wanted[prompt][0]
            most = max(most, len(want))
            worst = max([worst] + [abs(float(got[k]) - v) for k, v in want.items()])
        check(f"{name}: query's logits as {way}", worst <= 1e-3 and most > 0,
              f"max |d| {worst:.2g} of {most} tokens")


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/editscope"
    base = os.environ["EDITSCOPE_MODEL"]
    work = tempfile.mkdtemp()
    os.environ["XDG_STATE_HOME"] = work
    session, fact = work + "/a.es", work + "/fact.json"
    with open(fact, "w") as f:
        json.dump(FACT, f)
    try:
        import torch
        from peft import PeftModel
        from safetensors.numpy import load_file
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.manual_seed(0)
        tiny(program, "tests/data/architectures", work)
        run(program, "edit", "--fact", fact, "-s", session, "--json")
        wanted = said(program, session, PROMPTS + [FACT["prompt"]])
        check("the session says the new object", "Rome" in wanted[FACT["prompt"]][1],
              wanted[FACT["prompt"]][1])
        export = {}
        for kind, name, more in [("safetensors", "hf", ()), ("lora", "lora", ()),
                                 ("safetensors", "base", ("--state", "base")),
                                 ("gguf", "new.gguf", ()), ("delta", "d.safetensors", ())]:
            export[name] = run(program, "export", "-s", session, "--as", kind, "--to",
                               f"{work}/{name}", "--json", *more)[-1]
            print(f"     {name}: {export[name]['max_logit_diff']:.2g} by the program's own count")
        tokenizer = AutoTokenizer.from_pretrained(work + "/hf")
        check("safetensors: tokens as ours", tokens_agree(program, tokenizer, base))
        model = AutoModelForCausalLM.from_pretrained(work + "/hf", dtype=torch.float32).eval()
        compare("transformers on the safetensors folder", model, tokenizer, wanted)
        del model
        model = AutoModelForCausalLM.from_pretrained(work + "/base", dtype=torch.float32)
        model = PeftModel.from_pretrained(model, work + "/lora").eval()
        compare("peft on the base", model, tokenizer, wanted)
        model = model.merge_and_unload()
        compare("peft merged into the base", model, tokenizer, wanted)
        del model
        delta = load_file(work + "/d.safetensors")
        layers = sorted(int(k.split(".")[1]) for k in delta if k.endswith("delta_u"))
        values = gguf_equal(base, work + "/new.gguf", layers)
        from safetensors import safe_open

        whole = safe_open(work + "/hf/model.safetensors", "np")
        worst = max(float(np.abs(values[f"blk.{l}.ffn_down.weight"] - whole.get_tensor(
            f"model.layers.{l}.mlp.down_proj.weight")).max()) for l in layers)
        check("gguf: edited tensors as in the safetensors", worst == 0)
        old = safe_open(work + "/base/model.safetensors", "np")
        worst = 0
        for l in layers:
            n = f"model.layers.{l}.mlp.down_proj.weight"
            d = delta[f"blk.{l}.ffn_down.weight.delta_u"] @ delta[f"blk.{l}.ffn_down.weight.delta_v"]
            worst = max(worst, float(np.abs(old.get_tensor(n) + d - whole.get_tensor(n)).max()))
        check("delta: base + u v is the edited tensor", worst < 1e-6, f"max |d| {worst:.2g}")
    finally:
        shutil.rmtree(work)
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
