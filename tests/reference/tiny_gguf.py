#!/usr/bin/env python3
"""Makes tests/fuzz/corpus/gguf/{llama,qwen2,gpt2,qwen3,gemma3}: tiny valid GGUF files.

Written with the `gguf` package (pip install gguf), so that the reader is tested against another
writer. Element (r, c) of every F32 tensor is r + c / 64."""
import sys

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter, quants

V, D, M, H, KV, HD = 6, 32, 64, 4, 2, 8


def ramp(rows, cols):
    return (np.arange(rows)[:, None] + np.arange(cols)[None, :] / 64).astype(np.float32)


def add(w, name, array, kind=T.F32):
    if kind == T.F32:
        w.add_tensor(name, array)
    elif kind == T.F16:
        w.add_tensor(name, array.astype(np.float16))
    else:
        w.add_tensor(name, quants.quantize(array, kind), raw_dtype=kind)


def block(w, arch, l):
    """The tensors of a layer, each matrix of another type."""
    kinds = {"attn_q": T.F16, "attn_k": T.Q4_1, "attn_v": T.F32, "attn_output": T.BF16,
             "ffn_gate": T.Q4_0, "ffn_up": T.Q5_0, "ffn_down": T.Q5_1}
    shape = {"attn_q": (H * HD, D), "attn_k": (KV * HD, D), "attn_v": (KV * HD, D),
             "attn_output": (D, H * HD), "ffn_gate": (M, D), "ffn_up": (M, D),
             "ffn_down": (D, M), "attn_qkv": (3 * D, D)}
    norms = {"attn_norm": D, "ffn_norm": D}
    biases = ()
    if arch == "gpt2":
        kinds = {"attn_qkv": T.F16, "attn_output": T.Q8_0, "ffn_up": T.Q5_0, "ffn_down": T.Q5_1}
        biases = list(kinds) + list(norms)
    if arch == "qwen2":
        biases = ("attn_q", "attn_k", "attn_v")
    if arch in ("qwen3", "gemma3"):
        norms |= {"attn_q_norm": HD, "attn_k_norm": HD}
    if arch == "gemma3":
        norms |= {"post_attention_norm": D, "post_ffw_norm": D}
    for name, n in norms.items():
        add(w, f"blk.{l}.{name}.weight", ramp(1, n)[0])
    for name, kind in kinds.items():
        add(w, f"blk.{l}.{name}.weight", ramp(*shape[name]), kind)
    for name in biases:
        add(w, f"blk.{l}.{name}.bias", ramp(1, shape.get(name, (D,))[0])[0])


def model(path, arch, layers, tied):
    w = GGUFWriter(path, arch)
    w.add_name("tiny " + arch)
    w.add_block_count(layers)
    w.add_context_length(64)
    w.add_embedding_length(D)
    w.add_feed_forward_length(M)
    w.add_head_count(H)
    if arch == "gpt2":
        w.add_layer_norm_eps(1e-5)
    else:
        w.add_head_count_kv(KV)
        w.add_layer_norm_rms_eps(1e-5)
        w.add_rope_freq_base(5000.0)
    if arch == "gemma3":
        w.add_sliding_window(4)
        w.add_key_length(HD)
        w.add_value_length(HD)
    w.add_tokenizer_model("gpt2")
    w.add_token_list([b"a", b"b", b"\xc4\xa0a", b"ab", b"<e>"])
    w.add_token_types([1, 1, 1, 1, 3])
    w.add_token_scores([0.5, -1.0, 0.0, 2.0, 0.0])
    w.add_token_merges(["a b"])
    w.add_eos_token_id(4)
    w.add_bool("tokenizer.ggml.add_bos_token", True)
    w.add_int64("test.negative", -5)
    w.add_uint64("test.huge", 2**64 - 1)
    w.add_float64("test.double", 0.1)
    add(w, "token_embd.weight", ramp(V, D))
    add(w, "output_norm.weight", ramp(1, D)[0])
    if not tied:
        add(w, "output.weight", ramp(V, D), T.Q8_0)
    if arch == "llama":
        add(w, "rope_freqs.weight", np.linspace(1, 8, HD // 2, dtype=np.float32))
    if arch == "gpt2":
        add(w, "output_norm.bias", ramp(1, D)[0])
        add(w, "position_embd.weight", ramp(64, D))
    for l in range(layers):
        block(w, arch, l)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def sizes_only(path):
    """The largest Gemma 3's keys and no layers: what its file does not say follows from them."""
    w = GGUFWriter(path, "gemma3")
    w.add_block_count(62)
    w.add_context_length(131072)
    w.add_embedding_length(5376)
    w.add_feed_forward_length(21504)
    w.add_head_count(32)
    w.add_head_count_kv(16)
    w.add_key_length(128)
    w.add_value_length(128)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_rope_freq_base(1e6)
    w.add_sliding_window(1024)
    w.add_string("gemma3.rope.scaling.type", "linear")
    w.add_rope_scaling_factor(8.0)
    add(w, "token_embd.weight", np.zeros((1, 32), np.float32), T.Q8_0)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    where = sys.argv[1] if len(sys.argv) > 1 else "tests/fuzz/corpus/gguf"
    model(f"{where}/llama", "llama", 1, True)
    model(f"{where}/qwen2", "qwen2", 2, False)
    model(f"{where}/gpt2", "gpt2", 1, True)
    model(f"{where}/qwen3", "qwen3", 1, True)
    model(f"{where}/gemma3", "gemma3", 1, True)
    sizes_only(f"{where}/gemma3_sizes")
