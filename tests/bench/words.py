#!/usr/bin/env python3
"""How well drawn words stand for the vocabulary (attr.words; editscope-method(7) 3.5).

  words.py EDITSCOPE [MODEL [LAYERS]]

Scores three facts over all words, then over fewer, on all layers or on these. Prints for each number of
words the share of the mask's neurons that stay the same, the smallest of layers and facts and the
mean; the rms error of scores above 0 beside their standard deviation; and the seconds.
"""
import json
import struct
import subprocess
import sys
import tempfile

import numpy as np

FACTS = [("Eiffel Tower", "The {} is located in the city of", "Rome"),
         ("Marie Curie", "The mother tongue of {} is", "English"),
         ("Toyota", "The headquarters of {} are in", "Berlin")]


def read_run(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head, data = json.loads(f.read(size)), f.read()
    out = {}
    for name, t in head.items():
        if name.startswith(("scores.", "mask.")):
            kind = np.float32 if t["dtype"] == "F32" else np.uint8
            begin, end = t["data_offsets"]
            out[name] = np.frombuffer(data[begin:end], kind).reshape(t["shape"])
    return out


def score(editscope, model, words, work):
    runs, seconds = [], 0
    for subject, prompt, target in FACTS:
        command = [editscope, "attribute", "--json", "-q", "--subject", subject, "--prompt", prompt,
                   "--target", target, "--set", f"attr.words={words}", "-o", work + "/run"]
        done = subprocess.run(command + model, capture_output=True, text=True, check=True)
        seconds += json.loads(done.stdout.splitlines()[-1])["seconds"]
        runs.append(read_run(work + "/run"))
    return runs, seconds


def main():
    model = ["-m", sys.argv[2]] if len(sys.argv) > 2 else []
    model += ["--layers", sys.argv[3]] if len(sys.argv) > 3 else []
    with tempfile.TemporaryDirectory() as work:
        exact, seconds = score(sys.argv[1], model, 0, work)
        print(f"all words: {seconds:.1f} s")
        for words in (4096, 8192, 16384, 32768):
            runs, seconds = score(sys.argv[1], model, words, work)
            same, error = [], []
            for a, b in zip(exact, runs):
                for name in a:
                    if name.startswith("mask."):
                        kept = a[name] > 0
                        same.append((kept & (b[name] > 0)).sum() / kept.sum())
                    else:
                        up = a[name] > 0
                        error.append(np.sqrt(((b[name] - a[name])[up] ** 2).mean()) / a[name][up].std())
            print(f"{words:6} words: same neurons {min(same):.4f} at least, {np.mean(same):.4f}; "
                  f"scores above 0 off by {np.mean(error):.4f} of their deviation; {seconds:.1f} s")


main()
