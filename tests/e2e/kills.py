#!/usr/bin/env python3
"""make check-kills: a run of `editscope eval` that is killed (SIGKILL) again and again, each time at a random
moment, and started again by the same command. It must end with the numbers of a run that was left alone.

  kills.py EDITSCOPE

Compared to the last digit are all of `--json` and every table of the run's file, but for times and what a process
counts from its start. Environment:

  SEED=N          of the moments; default: another one each time, which is printed
  KILLS=N         how often; default 20
  EDITS=N         facts of the run, asked at a third of them and at the end; default 30
  KILLS_MODEL=M   a model; default: the tiny one of tests/data/architectures/llama3
  KILLS_ARGS=...  further arguments; default: two methods, and a preset that suits the tiny model

A run that ends before the last kill is compared, and the kills go on with another one."""
import json
import os
import random
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time

SMALL = "tests/data/architectures/llama3/model.gguf"
SMALL_ARGS = "--preset paper --set stats.tokens=3000 --set stats.window=64 --method nmke,ultraedit"
TIMES = {"seconds_per_edit"}  # of JSON
# Of the file: columns with a time, or with the number of an attribution, which a process counts from 1. The counter
# counts transactions, of which each start has some.
OWN_COLUMNS = {("edits", "time"), ("edits", "attribution"), ("journal", "time"), ("queries", "time")}
LEFT_OUT = {"counter"}


def facts(count):
    """Facts for any model: short, since the tiny model has a context of 64 tokens, a byte each."""
    names = [a + b for a in ("Al", "Be", "Co", "Du", "El", "Fa") for b in ("ra", "mo", "ni", "ku", "te", "sy")]
    for i in range(count):
        name, other = names[i % len(names)] + (str(i // len(names)) if i >= len(names) else ""), names[(7 * i + 5) % 36]
        yield {"subject": name, "prompt": "{} is in", "target_new": ["Rome", "Oslo", "Lima", "Cairo"][i % 4],
               "ground_truth": ["Paris", "Kyoto"][i % 2], "rephrase": f"The land of {name} is",
               "locality": [{"prompt": f"Near {other} is", "answer": "sea"}],
               "portability": [{"prompt": f"To see {name} go to", "answer": [["Italy", "Peru"], "Norway"][i % 2]}]}


class Run:
    def __init__(self, program, folder, name, model, edits, args):
        data = os.path.join(folder, "facts.jsonl")
        with open(data, "w") as f:
            f.writelines(json.dumps(x) + "\n" for x in facts(edits))
        self.file = os.path.join(folder, name + ".run")
        self.out = os.path.join(folder, name + ".json")
        points = sorted({max(1, edits // 3), edits})
        self.command = [program, "eval", "-q", "-m", model, "--data", data, "--edits", ",".join(map(str, points)),
                        "-o", self.file, "--json", *args]
        self.env = dict(os.environ, XDG_STATE_HOME=folder, XDG_CONFIG_HOME=folder)
        if "KILLS_MODEL" not in os.environ:
            self.env["XDG_CACHE_HOME"] = folder

    def start(self, limit=None):
        """Runs it, killed after `limit` seconds; whether it ended by itself."""
        with open(self.out, "wb") as out:
            p = subprocess.Popen(self.command, stdout=out, env=self.env)
            try:
                status = p.wait(limit)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                return False
        if status:
            sys.exit(f"\nFAIL  status {status} of {shlex.join(self.command)}")
        return True

    def json_lines(self):
        with open(self.out) as f:
            for line in f:
                o = json.loads(line)
                yield {k: v for k, v in o.items() if k not in TIMES}

    def rows(self):
        """Every row of every table, without times."""
        db = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            if table in LEFT_OUT or table.startswith("sqlite_"):
                continue
            cursor = db.execute(f'SELECT * FROM "{table}"')
            names = [c[0] for c in cursor.description]
            rows = [{n: v for n, v in zip(names, row) if (table, n) not in OWN_COLUMNS} for row in cursor]
            for row in sorted(map(timeless, rows), key=repr):
                if row:
                    yield {"table": table, **row}
        db.close()


def timeless(row):
    """Without the seconds of an edit, which are a number of a run and a metric of an edit."""
    if row.get("name") == "seconds":
        return {}
    return {k: without_seconds(v) if k == "metrics" and v else v for k, v in row.items()}


def without_seconds(text):
    def cut(o):
        if isinstance(o, dict):
            return {k: cut(v) for k, v in o.items() if "seconds" not in k}
        return [cut(v) for v in o] if isinstance(o, list) else o
    return json.dumps(cut(json.loads(text)))


def compare(what, got, want):
    """How many lines; ends the program at the first one that differs."""
    got, want = list(got), list(want)
    for i, (a, b) in enumerate(zip(got, want)):
        if a != b:
            keys = [k for k in {**a, **b} if a.get(k) != b.get(k)]
            sys.exit(f"\nFAIL  {what}, row {i}: {keys[0]} is {a.get(keys[0])!r:.200}, left alone {b.get(keys[0])!r:.200}\n"
                     f"      {a!r:.600}\n      {b!r:.600}")
    if len(got) != len(want):
        more = (got if len(got) > len(want) else want)[min(len(got), len(want))]
        sys.exit(f"\nFAIL  {what}: {len(got)} rows, left alone {len(want)}: {more!r:.400}")
    return len(want)


def compare_runs(run, alone, program):
    lines = compare("--json", run.json_lines(), alone.json_lines())
    rows = compare("the file", run.rows(), alone.rows())
    subprocess.run([program, "verify", "-q", "-s", run.file, *run.command[3:5]], check=True, env=run.env,
                   stdout=subprocess.DEVNULL)
    return lines, rows


def main(program):
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    kills, edits = int(os.environ.get("KILLS") or 20), int(os.environ.get("EDITS") or 30)
    model = os.environ.get("KILLS_MODEL") or SMALL
    default = SMALL_ARGS if model == SMALL else "--method nmke"
    args = shlex.split(os.environ.get("KILLS_ARGS") or default)
    rng = random.Random(seed)
    print(f"SEED={seed}, {kills} kills, {edits} edits, {model} {shlex.join(args)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        alone = Run(program, folder, "alone", model, edits, args)
        begin = time.monotonic()
        alone.start()
        whole = time.monotonic() - begin
        done, runs = 0, 0
        while done < kills:
            run = Run(program, folder, f"killed{runs}", model, edits, args)
            while done < kills and not run.start(rng.uniform(0, 2 * whole / (kills + 1))):
                done += 1
                print(".", end="", flush=True)
            run.start()
            lines, rows = compare_runs(run, alone, program)
            runs += 1
        print(f"\nok    {done} kills in {runs} run{'s' if runs > 1 else ''}: {lines} lines of --json and {rows} rows of "
              "the file are those of the run that was left alone")


main(sys.argv[1])
