#!/usr/bin/env python3
"""Writes a model of the shape of Llama 3 8B with made-up weights, as a GGUF file of 8.6 GB.

  shape.py TOKENIZER.gguf OUT.gguf [LAYERS]

Every matrix is Q8_0: seeded random bytes under one scale, so that a row has length 1. The words are
those of TOKENIZER, the rest of the 128256 are unused. It says nothing sensible; it is for measuring
what an edit of this shape takes. Needs the packages gguf and numpy."""
import sys

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter

D, M, V, HEADS, KV, HEAD = 4096, 14336, 128256, 32, 8, 128
BLOCK, BYTES = 32, 34  # numbers of a Q8_0 block, and its bytes


def matrices(layers):
    yield "token_embd", V, D
    yield "output", V, D
    for l in range(layers):
        b = f"blk.{l}."
        yield b + "attn_q", HEADS * HEAD, D
        yield b + "attn_k", KV * HEAD, D
        yield b + "attn_v", KV * HEAD, D
        yield b + "attn_output", D, HEADS * HEAD
        yield b + "ffn_gate", M, D
        yield b + "ffn_up", M, D
        yield b + "ffn_down", D, M


def norms(layers):
    yield "output_norm"
    for l in range(layers):
        yield f"blk.{l}.attn_norm"
        yield f"blk.{l}.ffn_norm"


def blocks(rng, rows, cols):
    """[rows, cols / 32 * 34] bytes. A byte as a number of -128..127 has a deviation of 73.9."""
    count = rows * cols // BLOCK
    out = np.empty((count, BYTES), np.uint8)
    out[:, :2] = np.frombuffer(np.float16(1 / (73.9 * cols ** 0.5)).tobytes(), np.uint8)
    out[:, 2:] = np.frombuffer(rng.bytes(count * BLOCK), np.uint8).reshape(count, BLOCK)
    return out.reshape(rows, -1)


def copy_tokenizer(w, path):
    fields = GGUFReader(path).fields
    tokens = [bytes(fields["tokenizer.ggml.tokens"].parts[i]) for i in fields["tokenizer.ggml.tokens"].data]
    types = [int(fields["tokenizer.ggml.token_type"].parts[i][0]) for i in fields["tokenizer.ggml.token_type"].data]
    merges = [str(bytes(fields["tokenizer.ggml.merges"].parts[i]), "utf-8")
              for i in fields["tokenizer.ggml.merges"].data]
    unused = V - len(tokens)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(str(bytes(fields["tokenizer.ggml.pre"].parts[-1]), "utf-8"))
    w.add_token_list(tokens + [b"<|unused_%d|>" % i for i in range(unused)])
    w.add_token_types(types + [5] * unused)
    w.add_token_merges(merges)
    w.add_eos_token_id(int(fields["tokenizer.ggml.eos_token_id"].parts[-1][0]))


def main(tokenizer, path, layers=32):
    w = GGUFWriter(path, "llama")
    w.add_name("shape of Llama 3 8B, made-up weights")
    w.add_block_count(layers)
    w.add_context_length(8192)
    w.add_embedding_length(D)
    w.add_feed_forward_length(M)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(500000.0)
    w.add_rope_dimension_count(HEAD)
    w.add_vocab_size(V)
    copy_tokenizer(w, tokenizer)
    for name in norms(layers):
        w.add_tensor_info(name + ".weight", (D,), np.dtype(np.float32), D * 4)
    for name, rows, cols in matrices(layers):
        w.add_tensor_info(name + ".weight", (rows, cols // BLOCK * BYTES), np.dtype(np.uint8),
                          rows * cols // BLOCK * BYTES, GGMLQuantizationType.Q8_0)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    for _ in norms(layers):
        w.write_tensor_data(np.ones(D, np.float32))
    rng = np.random.default_rng(8)
    for _, rows, cols in matrices(layers):
        w.write_tensor_data(blocks(rng, rows, cols))
    w.close()


main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
