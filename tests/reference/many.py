#!/usr/bin/env python3
"""Token ids of very many generated texts, against Hugging Face's tokenizers.

    tests/reference/many.py [-n 100000] FAMILY=PATH…

PATH is a folder or file that `editscope tokens -m` takes: a tokenizer.json, a folder, a GGUF file
(compared with the tokenizer.json given behind a second =, FAMILY=GGUF=JSON). Not part of the tests:
those hold a sample (tests/data/tokenizer/many.json.gz). Needs `make CUDA=0 all` first.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from texts import generate  # noqa: E402


def build(out):
    libs = subprocess.run(["pkg-config", "--cflags", "--libs", "jansson", "libpcre2-8", "libutf8proc",
                           "libcrypto", "zlib", "sqlite3", "openblas", "lapacke"], check=True,
                          capture_output=True, text=True).stdout.split()
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-I.", "tests/reference/ids.c", "-o", out,
                    "build/cpu/editscope.a", *libs, "-lm", "-pthread"], check=True)


def reference(path):
    if path.endswith(".json"):
        return Tokenizer.from_file(path)
    if os.path.exists(path + "/tokenizer.json"):
        return Tokenizer.from_file(path + "/tokenizer.json")
    t = Tokenizer(BPE.from_file(path + "/vocab.json", path + "/merges.txt"))  # GPT-2
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens(["<|endoftext|>"])
    return t


def ours(program, path, texts, flags):
    lines = "".join(json.dumps(t) + "\n" for t in texts)
    out = subprocess.run([program, path, str(flags), "2"], input=lines.encode(), check=True,
                         stdout=subprocess.PIPE).stdout.decode().splitlines()
    return [[int(x) for x in line.split()] for line in out]


def comparable(text):
    """Gemma's GGUF files have its runs of 2 to 31 blanks as tokens of spaces, so that a run of U+2581
    written in the text, or a longer one of spaces, is cut in another way than by tokenizer.json."""
    return "\u2581" not in text and " " * 32 not in text


def compare(program, family, path, against, n):
    t = reference(against)
    nfc = normalizers.NFC() if '"NFC"' in t.to_str()[:200000] else None
    special = [t.id_to_token(i) for i in sorted(t.get_added_tokens_decoder())][:300]
    texts = list(generate(n, random.Random(f"{family} {n}"), special))
    if path.endswith(".gguf") and "gemma" in family:
        texts = [text for text in texts if comparable(text)]
    n = len(texts)
    bad = lost = 0
    for flags in (2, 0):
        half = texts if flags else texts[: n // 4]
        t.encode_special_tokens = not flags
        got = ours(program, path, half, flags)
        for at in range(0, len(half), 1000):
            want = t.encode_batch(half[at:at + 1000], add_special_tokens=False)
            for text, w, g in zip(half[at:at + 1000], want, got[at:at + 1000]):
                back = g.pop()
                if w.ids != g:
                    bad += 1
                    if bad <= 3:
                        print(f"{family}: {text!r}\n  {w.ids}\n  {g}")
                lost += not back and (not nfc or nfc.normalize_str(text) == text)
    decoded = f", {lost} not decoded to what they were" if "ByteLevel" in str(t.decoder) else ""
    print(f"{family}: {n} texts with special tokens, {n // 4} without: {bad} differ{decoded}", flush=True)
    return bad


def main():
    args = argparse.ArgumentParser()
    args.add_argument("-n", type=int, default=100000)
    args.add_argument("family", nargs="+")
    args = args.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(folder + "/ids")
        bad = 0
        for item in args.family:
            name, path, *against = item.split("=")
            bad += compare(folder + "/ids", name, path, against[0] if against else path, args.n)
    sys.exit(bad != 0)


main()
