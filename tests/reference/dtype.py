#!/usr/bin/env python3
"""Makes tests/data/dtype.safetensors: random blocks of every stored type and their values.

The values are those of the `gguf` package's own dequantize (pip install gguf safetensors).
Scales are finite halves of every size, subnormal ones included."""
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize
from safetensors.numpy import save_file

BLOCKS = 24
# byte offsets of the halves in a block
HALVES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
          T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}


def main(path):
    rng = np.random.default_rng(20261122)
    out = {}
    for kind, halves in HALVES.items():
        size = GGML_QUANT_SIZES[kind][1]
        raw = rng.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
        for at in halves:
            bits = rng.integers(0, 0x7C00, BLOCKS).astype(np.uint16)
            bits |= (rng.integers(0, 2, BLOCKS) << 15).astype(np.uint16)
            bits[:3] = [0, 1, 0x83FF]
            raw[:, at:at + 2] = bits.astype("<u2").view(np.uint8).reshape(BLOCKS, 2)
        out[f"{kind.name}.blocks"] = raw
        out[f"{kind.name}.values"] = dequantize(raw, kind).astype(np.float32).reshape(-1)
    half = np.concatenate([np.arange(0, 0x7C01, 7), np.arange(0x8000, 0xFC01, 7),
                           [0x7C00, 0xFC00, 0x3FF, 0x400, 0x83FF, 0x8400, 0x7BFF, 0xFBFF]])
    half = half.astype(np.uint16)
    out["F16.blocks"] = half.view(np.uint8).copy()
    out["F16.values"] = half.view(np.float16).astype(np.float32)
    brain = rng.integers(0, 0x7F80, 512).astype(np.uint16)
    brain[::2] |= 0x8000
    out["BF16.blocks"] = brain.view(np.uint8).copy()
    out["BF16.values"] = dequantize(brain.view(np.uint8), T.BF16).astype(np.float32)
    save_file(out, path)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/dtype.safetensors")
