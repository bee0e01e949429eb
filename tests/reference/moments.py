#!/usr/bin/env python3
"""Second moments of the default model, null space and solve, by numpy alone.

  moments.py MODEL.gguf TEXT REFERENCE.json ATTRIBUTION.safetensors [OUT]

Runs blocks 0 to 8 over the first 20,480 tokens of TEXT (line ends read as one newline) in windows
of 256, prints how far trace, eigenvalues and threshold are from the golden ones, and how far q,
gain and leak computed with these moments from the golden keys are. With OUT, writes for each layer OUT.LAYER.bin: the sum
of m m^T as float64 [1536, 1536]. Needs numpy, gguf, tokenizers, safetensors.
"""
import json
import sys

import numpy as np
from gguf import GGUFReader, dequantize
from safetensors.numpy import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

TOKENS, WINDOW, LAYERS, FRACTION = 20480, 256, range(4, 9), 0.7
HEADS, KV, HD, D, M, EPS, BASE = 9, 3, 64, 576, 1536, 1e-5, 1e5

gguf_path, text_path, reference_path, golden_path = sys.argv[1:5]
reader = GGUFReader(gguf_path)
tensors = {t.name: t for t in reader.tensors}


def weight(name):
    t = tensors[name]
    return dequantize(t.data, t.tensor_type).astype(np.float32)


def tokenizer():
    vocab = {w: i for i, w in enumerate(reader.fields["tokenizer.ggml.tokens"].contents())}
    merges = [tuple(m.split(" ")) for m in reader.fields["tokenizer.ggml.merges"].contents()]
    t = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True),
         pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    return t


def norm(x, gain):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS) * gain


angle = np.arange(WINDOW)[:, None] * BASE ** (-np.arange(0, HD, 2) / HD)
COS, SIN = np.cos(angle).astype(np.float32)[:, None], np.sin(angle).astype(np.float32)[:, None]


def rope(x):  # [..., T, heads, HD], pairs (2i, 2i + 1)
    a, b = x[..., 0::2], x[..., 1::2]
    y = np.empty_like(x)
    y[..., 0::2], y[..., 1::2] = a * COS - b * SIN, b * COS + a * SIN
    return y


def block(x, l):
    w = lambda s: weight(f"blk.{l}.{s}.weight")
    n, t, _ = x.shape
    a = norm(x, w("attn_norm"))
    q = rope((a @ w("attn_q").T).reshape(n, t, HEADS, HD))
    k = rope((a @ w("attn_k").T).reshape(n, t, KV, HD))
    v = (a @ w("attn_v").T).reshape(n, t, KV, HD)
    k, v = np.repeat(k, HEADS // KV, 2), np.repeat(v, HEADS // KV, 2)
    s = np.einsum("bihd,bjhd->bhij", q, k, optimize=True) / np.float32(np.sqrt(HD))
    s = np.where(np.tri(t, dtype=bool), s, np.float32(-1e30))
    s = np.exp(s - s.max(-1, keepdims=True))
    s /= s.sum(-1, keepdims=True)
    o = np.einsum("bhij,bjhd->bihd", s, v, optimize=True).reshape(n, t, D)
    x = x + o @ w("attn_output").T
    f = norm(x, w("ffn_norm"))
    g = f @ w("ffn_gate").T
    m = g / (1 + np.exp(-g)) * (f @ w("ffn_up").T)
    return x + m @ w("ffn_down").T, m


def main():
    golden, arrays = json.load(open(reference_path)), load_file(golden_path)
    text = open(text_path, encoding="utf-8").read()[:400000]
    ids = tokenizer().encode(text).ids[:TOKENS]
    assert ids[:8] == golden["moments"]["first_ids"], ids[:8]
    x = weight("token_embd.weight")[np.array(ids).reshape(-1, WINDOW)]
    for l in range(max(LAYERS) + 1):
        parts = [block(x[i : i + 8], l) for i in range(0, len(x), 8)]
        x = np.concatenate([p[0] for p in parts])
        if l not in LAYERS:
            continue
        m = np.concatenate([p[1] for p in parts]).reshape(-1, M).astype(np.float64)
        total = m.T @ m
        if len(sys.argv) > 5:
            total.tofile(f"{sys.argv[5]}.{l}.bin")
        value, vector = np.linalg.eigh(total / TOKENS)
        want = golden["moments"]["layers"][str(l)]
        cut = round(FRACTION * M)
        print(f"layer {l}: trace {value.sum() / want['trace'] - 1:.1e}, top "
              f"{np.abs(value[-5:] / want['top'] - 1).max():.1e}, threshold {want['threshold']:.9g}"
              f" S[{cut - 1}] {value[cut - 1]:.9g} S[{cut}] {value[cut]:.9g}"
              f" S[{cut + 1}] {value[cut + 1]:.9g}, lost {value[:cut].sum() / value.sum():.5f}")
        for n, fact in enumerate(golden["facts"]):
            k = arrays[f"fact{n}.key.{l}"].astype(np.float64)
            want = fact["solve"]["none"]["layers"][str(l)]
            kt = k - vector[:, cut:] @ (vector[:, cut:].T @ k)
            q = k @ kt
            x1 = kt / (1 + q)
            leak = x1 @ (total / TOKENS) @ x1
            print(f"  fact {n}: q {q / want['q'] - 1:.1e}, gain {k @ x1 - want['gain']:.1e}, leak"
                  f" {leak / want['leak'] - 1:.1e}, x"
                  f" {np.abs(x1 - arrays[f'fact{n}.x.{l}']).max() / np.abs(x1).max():.1e}")


main()
