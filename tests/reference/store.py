#!/usr/bin/env python3
"""Makes tests/data/store.safetensors: floats, and the blocks they are stored as.

The blocks are those of the `gguf` package's own quantize (pip install gguf safetensors), which
rounds as the reference quantisers do."""
import sys

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import quantize
from safetensors.numpy import save_file

KINDS = [T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0]


def main(path):
    rng = np.random.default_rng(20261122)
    x = rng.standard_normal((48, 32)).astype(np.float32)
    x *= np.exp2(rng.integers(-18, 12, (48, 1))).astype(np.float32)
    x[0] = 0
    x[1] = 0.25  # one value
    x[2, 1:] = 0  # one that stands out
    x[3] = np.linspace(-1, 1, 32)
    x[4] = [65504, 65519, -65504, 1, 6e-8, 2.9e-8, 3e-8, -6.1e-5, 6.2e-5, 5.96e-8] + [0.1] * 22
    out = {"values": x.reshape(-1)}
    for kind in KINDS:
        out[kind.name] = quantize(x, kind).view(np.uint8).reshape(-1)
    save_file(out, path)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/store.safetensors")
