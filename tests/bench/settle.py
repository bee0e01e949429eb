#!/usr/bin/env python3
"""How far the null space of a layer has settled at each count of tokens: settle.py KEY

Reads the second moments KEY-TOKENS.safetensors of the cache (`stats --layers 6 --tokens N`, from
small N to large), needs numpy and safetensors. Compared with the largest count, in medians over 200
random keys of its second moment: k^T P k, P k, and how much a text still sees of P k / |P k|."""
import glob
import os
import re
import sys

import numpy as np
from safetensors.numpy import load_file

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "editscope")


def moment(path, tokens):
    triangle = load_file(path)["sum"] / tokens
    m = int((np.sqrt(8 * triangle.size + 1) - 1) / 2)
    c = np.zeros((m, m))
    c[np.triu_indices(m)] = triangle
    return c + c.T - np.diag(np.diag(c))


def projected(c, keys, fraction=0.7):
    _, vector = np.linalg.eigh(c)
    kept = vector[:, round(fraction * len(c)):]
    return keys - kept @ (kept.T @ keys)


def main(key):
    files = glob.glob(f"{CACHE}/moments/{key}*-*.safetensors")
    counts = {int(re.search(r"-(\d+)\.", f).group(1)): f for f in files}
    most = max(counts)
    c = moment(counts[most], most)
    m = len(c)
    root = np.linalg.cholesky(c + 1e-9 * np.trace(c) / m * np.eye(m))
    keys = root @ np.random.default_rng(1).standard_normal((m, 200))
    last = projected(c, keys)
    before = None
    for tokens in sorted(counts):
        now = projected(moment(counts[tokens], tokens), keys)
        q, q_last = np.sum(keys * now, 0), np.sum(keys * last, 0)
        seen = [np.sum(p * (c @ p), 0) / np.sum(p * p, 0) for p in (now, last)]
        change = 0 if before is None else np.median(abs(q - before) / q)
        print(f"{tokens:7d} {tokens / m:5.0f} M  k^T P k {np.median(abs(q / q_last - 1)):.3f}"
              f" ({change:.3f} since the count before)  P k "
              f"{np.median(np.linalg.norm(now - last, axis=0) / np.linalg.norm(last, axis=0)):.3f}"
              f"  seen x {np.median(seen[0] / seen[1]):.2f}")
        before = q


if __name__ == "__main__":
    main(sys.argv[1])
