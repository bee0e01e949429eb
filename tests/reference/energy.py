#!/usr/bin/env python3
"""Makes tests/data/energy.json: hyperspherical energies by NumPy, all pairs at once, of vectors made by hand
and of matrices of the tiny Llama of tests/data/architectures/llama3, as they are and with the update of its
golden.safetensors. The energy is the mean of 1/|a - b| over all pairs of vectors of length 1."""
import json
import sys

import numpy as np

FOLDER = "tests/data/architectures/llama3"
LAYER = 1


def tensors(path):
    """The tensors of a safetensors file; a bfloat16, which NumPy does not have, is the upper half of a float32."""
    raw = open(path, "rb").read()
    size = int.from_bytes(raw[:8], "little")
    for name, t in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__" and t["dtype"] in ("BF16", "F32"):
            a, b = (8 + size + x for x in t["data_offsets"])
            x = np.frombuffer(raw[a:b], "<u2" if t["dtype"] == "BF16" else "<f4")
            if t["dtype"] == "BF16":
                x = (x.astype(np.uint32) << 16).view(np.float32)
            yield name, x.reshape(t["shape"])


def energy(v):
    """Of the rows of v."""
    v = v[np.linalg.norm(v, axis=1) > 0].astype(np.float64)
    v = v / np.linalg.norm(v, axis=1, keepdims=True)
    distance = np.linalg.norm(v[:, None] - v[None], axis=2)
    return float((1 / np.maximum(distance, 1e-6))[~np.eye(len(v), dtype=bool)].mean())


def main(out):
    rng = np.random.default_rng(5)
    index = json.load(open(f"{FOLDER}/model.safetensors.index.json"))["weight_map"]
    w = dict(t for shard in sorted(set(index.values())) for t in tensors(f"{FOLDER}/{shard}"))
    golden = dict(tensors(f"{FOLDER}/golden.safetensors"))
    down = w[f"model.layers.{LAYER}.mlp.down_proj.weight"]
    r, x = golden["edit_r"].astype(np.float64).ravel(), golden["edit_x"].astype(np.float64).ravel()
    edited = (down.astype(np.float64) + np.outer(r, x)).astype(np.float32)
    lists = [np.array([[1, 0], [0, 2], [-3, 0]]), np.array([[1, 2], [0, 0], [2, 4], [2, -1]]),
             np.round(rng.standard_normal((7, 3)), 3)]
    json.dump({"vectors": [{"v": v.tolist(), "energy": energy(v)} for v in lists],
               "layer": LAYER, "down": energy(down.T), "edited": energy(edited.T),
               "gate": energy(w[f"model.layers.{LAYER}.mlp.gate_proj.weight"])}, open(out, "w"), indent=1)


main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/energy.json")
