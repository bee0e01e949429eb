#!/usr/bin/env python3
"""Makes tests/data/architectures: a tiny model of every architecture, and what transformers says.

Each folder NAME holds config.json and tokenizer.json as Hugging Face writes them, the weights as
safetensors (and, where there is a line for it, the same weights as model.gguf), and
golden.safetensors: logits, residual streams, coefficients, gradients and scores in float32, from
transformers' own modules with eager attention.

Every matrix is made of whole numbers up to 127 times a power of two that changes from one block of
32 to the next, so F32, F16, BF16 and Q8_0 hold the same values and one golden serves all files."""
import json
import os
import shutil
import sys
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from gguf import GGMLQuantizationType as Q
from gguf import GGUFWriter, quants
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.gemma3 import modeling_gemma3

TOKENS = 96  # of the tokenizer; an embedding may have more rows
PAST, ALL = 12, 16  # ids in the prompt, and with those decoded after it
AMPLIFY = 30.0
EOS = "<|endoftext|>"

# --- the models --------------------------------------------------------------------------------

GEMMA_LOCAL = "sliding_attention"
FULL = "full_attention"


@dataclass
class Spec:
    config: dict
    store: str = "BF16"  # of matrices in the safetensors files; vectors too
    gguf: str = ""  # architecture of the GGUF file, "" for none
    prefix: str = ""  # before every tensor's name
    strip: str = ""  # taken off the front of transformers' names
    shards: int = 1
    head: bool = False  # a tied head is stored all the same
    extra: dict = field(default_factory=dict)  # tensors that mean nothing to the text model


SPECS = {
    # As openai-community/gpt2: no prefix, mask buffers, Conv1D, tied, everything absent defaulted.
    "gpt2": Spec(
        dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], activation_function="gelu_new",
             n_embd=32, n_layer=2, n_head=4, n_positions=32, n_ctx=32, vocab_size=96,
             layer_norm_epsilon=1e-5, initializer_range=0.02, resid_pdrop=0.1, embd_pdrop=0.1,
             attn_pdrop=0.1, summary_type="cls_index", task_specific_params=None,
             eos_token_id=95, bos_token_id=95),
        store="F16", gguf="gpt2", strip="transformer.",
        extra={f"h.{i}.attn.bias": torch.tril(torch.ones(1, 1, 32, 32)) for i in range(2)}),
    # As transformers saves one now: the prefix, n_inner, the head beside the embedding.
    "gpt2-prefixed": Spec(
        dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], activation_function="gelu_new",
             n_embd=24, n_layer=3, n_head=3, n_inner=40, n_positions=20, vocab_size=96,
             layer_norm_epsilon=1e-3, scale_attn_weights=True, dtype="float16",
             scale_attn_by_inverse_layer_idx=False, reorder_and_upcast_attn=False,
             tie_word_embeddings=True, eos_token_id=95, bos_token_id=95),
        store="F16", head=True,
        extra={f"transformer.h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(3)}),
    # Multi-head, untied, no theta in the file, the old spelling of linear scaling.
    "llama2": Spec(
        dict(model_type="llama", architectures=["LlamaForCausalLM"], hidden_act="silu",
             hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             vocab_size=96, max_position_embeddings=64, rms_norm_eps=1e-5, pretraining_tp=1,
             rope_scaling={"type": "linear", "factor": 2.5}, tie_word_embeddings=False,
             torch_dtype="float16", bos_token_id=95, eos_token_id=95, use_cache=True),
        store="F16", gguf="llama"),
    # Scaled rotary positions, head_dim apart from hidden / heads, two shards, the new spelling.
    "llama3": Spec(
        dict(model_type="llama", architectures=["LlamaForCausalLM"], hidden_act="silu",
             hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, head_dim=12, vocab_size=96, max_position_embeddings=64,
             rms_norm_eps=1e-5, attention_bias=False, mlp_bias=False, tie_word_embeddings=True,
             rope_parameters={"rope_type": "llama3", "rope_theta": 100.0, "factor": 8.0,
                              "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                              "original_max_position_embeddings": 32},
             dtype="bfloat16", bos_token_id=95, eos_token_id=[95, 94]),
        gguf="llama", shards=3),
    # Every bias Llama's configuration can ask for.
    "llama-biased": Spec(
        dict(model_type="llama", architectures=["LlamaForCausalLM"], hidden_act="silu",
             hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, vocab_size=96, max_position_embeddings=64, rms_norm_eps=1e-6,
             attention_bias=True, mlp_bias=True, tie_word_embeddings=True, rope_theta=500.0,
             rope_scaling=None, torch_dtype="float32", bos_token_id=95, eos_token_id=95),
        store="F32"),
    # A window of 4 in every layer.
    "mistral": Spec(
        dict(model_type="mistral", architectures=["MistralForCausalLM"], hidden_act="silu",
             hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, vocab_size=96, max_position_embeddings=64, rms_norm_eps=1e-5,
             rope_theta=10000.0, sliding_window=4, tie_word_embeddings=False,
             torch_dtype="bfloat16", bos_token_id=95, eos_token_id=95),
        gguf="llama"),
    # The window is there and null; key-value heads and positions are defaults.
    "mistral-full": Spec(
        dict(model_type="mistral", architectures=["MistralForCausalLM"], hidden_act="silu",
             hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=8,
             vocab_size=96, sliding_window=None, head_dim=None, tie_word_embeddings=True,
             dtype="bfloat16", rope_parameters={"rope_theta": 50.0, "rope_type": "default"},
             bos_token_id=95, eos_token_id=95)),
    # Biases on q, k, v; padding rows in the embedding; a window that is not used.
    "qwen2": Spec(
        dict(model_type="qwen2", architectures=["Qwen2ForCausalLM"], hidden_act="silu",
             hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=1, vocab_size=104, max_position_embeddings=64, rms_norm_eps=1e-6,
             rope_theta=1000.0, sliding_window=4, use_sliding_window=False, max_window_layers=1,
             tie_word_embeddings=True, torch_dtype="bfloat16", bos_token_id=95, eos_token_id=95),
        gguf="qwen2"),
    # The window acts from layer max_window_layers on.
    "qwen2-window": Spec(
        dict(model_type="qwen2", architectures=["Qwen2ForCausalLM"], hidden_act="silu",
             hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2,
             num_key_value_heads=2, vocab_size=96, max_position_embeddings=64, rms_norm_eps=1e-6,
             rope_theta=1000.0, sliding_window=4, use_sliding_window=True, max_window_layers=1,
             tie_word_embeddings=False, torch_dtype="bfloat16", bos_token_id=95, eos_token_id=95)),
    # Norms on q and k, head_dim apart from hidden / heads.
    "qwen3": Spec(
        dict(model_type="qwen3", architectures=["Qwen3ForCausalLM"], hidden_act="silu",
             hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, head_dim=12, vocab_size=96, max_position_embeddings=64,
             rms_norm_eps=1e-6, attention_bias=False, rope_theta=1000000, rope_scaling=None,
             sliding_window=None, use_sliding_window=False, max_window_layers=3,
             tie_word_embeddings=True, torch_dtype="bfloat16", bos_token_id=95, eos_token_id=95),
        gguf="qwen3"),
    # As transformers 5 writes one: layer_types says which layers have the window; biases on all
    # four attention projections.
    "qwen3-window": Spec(
        dict(model_type="qwen3", architectures=["Qwen3ForCausalLM"], hidden_act="silu",
             hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=4, head_dim=6, vocab_size=96, max_position_embeddings=64,
             rms_norm_eps=1e-6, attention_bias=True,
             rope_parameters={"rope_type": "linear", "factor": 3.0, "rope_theta": 200.0},
             sliding_window=4, use_sliding_window=True, max_window_layers=28,
             layer_types=[GEMMA_LOCAL, FULL, GEMMA_LOCAL], tie_word_embeddings=False,
             dtype="bfloat16", bos_token_id=95, eos_token_id=95)),
    # As google/gemma-3-1b: every sixth layer sees all; the old spelling of its two rotary bases,
    # scaling on the global layers only.
    "gemma3": Spec(
        dict(model_type="gemma3_text", architectures=["Gemma3ForCausalLM"],
             hidden_activation="gelu_pytorch_tanh", hidden_size=32, intermediate_size=32,
             num_hidden_layers=7, num_attention_heads=2, num_key_value_heads=1, head_dim=12,
             vocab_size=96, max_position_embeddings=64, rms_norm_eps=1e-6, rope_theta=1000.0,
             rope_local_base_freq=50.0, rope_scaling={"factor": 4.0, "rope_type": "linear"},
             sliding_window=4, sliding_window_pattern=6, query_pre_attn_scalar=20,
             attn_logit_softcapping=None, final_logit_softcapping=None, attention_bias=False,
             torch_dtype="float32", bos_token_id=95, eos_token_id=[95, 94], pad_token_id=0),
        store="F32", gguf="gemma3"),
    # As the models that also see: text_config, language_model., pictures' tensors beside; the new
    # spelling of the rotary bases; both soft caps. sqrt(24) in bfloat16 would be 4.90625.
    "gemma3-nested": Spec(
        dict(model_type="gemma3", architectures=["Gemma3ForConditionalGeneration"],
             boi_token_index=1, eoi_token_index=2, image_token_index=3, mm_tokens_per_image=4,
             dtype="bfloat16", eos_token_id=[95, 94],
             text_config=dict(
                 model_type="gemma3_text", hidden_activation="gelu_pytorch_tanh", hidden_size=24,
                 intermediate_size=40, num_hidden_layers=3, num_attention_heads=4,
                 num_key_value_heads=2, head_dim=8, vocab_size=96, max_position_embeddings=64,
                 rms_norm_eps=1e-6, sliding_window=4, query_pre_attn_scalar=10,
                 layer_types=[GEMMA_LOCAL, FULL, GEMMA_LOCAL], dtype="bfloat16",
                 attn_logit_softcapping=1.5, final_logit_softcapping=3.0,
                 rope_parameters={FULL: {"rope_type": "linear", "factor": 8.0,
                                         "rope_theta": 1000.0},
                                  GEMMA_LOCAL: {"rope_type": "default", "rope_theta": 50.0}}),
             vision_config=dict(model_type="siglip_vision_model", hidden_size=8,
                                intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                                image_size=28, patch_size=14)),
        prefix="language_model.",
        extra={"vision_tower.vision_model.post_layernorm.weight": torch.ones(8),
               "multi_modal_projector.mm_input_projection_weight": torch.ones(8, 24)}),
}

# --- weights -----------------------------------------------------------------------------------


def matrix(rng, rows, cols):
    """[rows, cols] of n 2^-k, |n| <= 127: a row is made of blocks of 32 with one 127 in each."""
    blocks = -(-cols // 32)
    n = np.clip(np.round(rng.normal(0, 40, (rows, blocks, 32))), -127, 127)
    at = rng.integers(0, min(32, cols), (rows, blocks, 1))
    np.put_along_axis(n, at, 127 * rng.choice([-1, 1], at.shape), axis=2)
    n *= 2.0 ** -rng.integers(8, 10, (rows, blocks, 1))
    return torch.tensor(n.reshape(rows, blocks * 32)[:, :cols], dtype=torch.float32)


def vector(rng, n, centre, spread):
    return torch.tensor(np.clip(np.round(rng.normal(centre, spread, n) * 64), -127, 127) / 64,
                        dtype=torch.float32)


def is_conv1d(name):
    return any(part in name for part in ("c_attn.weight", "c_proj.weight", "c_fc.weight"))


def fill(model, rng, gemma):
    for name, p in model.named_parameters():
        if p.ndim == 1 and "norm" in name or "ln_" in name:
            centre = 0.0 if gemma or name.endswith("bias") else 1.0
            p.data = vector(rng, p.shape[0], centre, 0.25)
        elif p.ndim == 1:
            p.data = vector(rng, p.shape[0], 0.0, 0.25)
        elif is_conv1d(name):
            p.data = matrix(rng, p.shape[1], p.shape[0]).T.contiguous()
        else:
            p.data = matrix(rng, *p.shape)


def softcapped_attention(module, *args, **kwargs):
    """transformers keeps Gemma's attn_logit_softcapping and passes it to its attention for
    Gemma 2 only; with this, also for Gemma 3, whose files may say it too."""
    return eager(module, *args, softcap=module.attn_logit_softcapping, **kwargs)


eager = modeling_gemma3.eager_attention_forward
modeling_gemma3.eager_attention_forward = softcapped_attention


def build(spec, rng):
    text = spec.config.get("text_config", spec.config)
    kind = AutoConfig.for_model(**text)
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(kind, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    gemma = kind.model_type.startswith("gemma")
    fill(model, rng, gemma)
    model.tie_weights()
    return model


# --- files -------------------------------------------------------------------------------------

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def save_safetensors(where, spec, model):
    tensors = {}
    for name, p in model.named_parameters():  # without a tied head
        name = name.removeprefix(spec.strip)
        tensors[spec.prefix + name] = p.data.to(DTYPES[spec.store]).contiguous()
        assert torch.equal(tensors[spec.prefix + name].float(), p.data)
    if spec.head:
        tensors["lm_head.weight"] = model.lm_head.weight.data.to(DTYPES[spec.store]).clone()
    tensors.update(spec.extra)
    if spec.shards == 1:
        save_file(tensors, f"{where}/model.safetensors", {"format": "pt"})
        return
    names, index = sorted(tensors), {}
    for i in range(spec.shards):
        file = f"model-{i + 1:05d}-of-{spec.shards:05d}.safetensors"
        part = {n: tensors[n] for n in names[i::spec.shards]}
        save_file(part, f"{where}/{file}", {"format": "pt"})
        index.update({n: file for n in part})
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    with open(f"{where}/model.safetensors.index.json", "w") as f:
        json.dump({"metadata": {"total_size": total}, "weight_map": index}, f, indent=1)


def vocabulary():
    """Single bytes, one merge, and the end of text."""
    tokens = [chr(b) for b in range(33, 126)] + ["\u0120", "ab"]
    return tokens[:TOKENS - 1], ["a b"]


def save_tokenizer(where):
    tokens, merges = vocabulary()
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    with open(f"{where}/tokenizer.json", "w") as f:
        json.dump({"version": "1.0", "truncation": None, "padding": None,
                   "added_tokens": [{"id": TOKENS - 1, "content": EOS, "single_word": False,
                                     "lstrip": False, "rstrip": False, "normalized": False,
                                     "special": True}],
                   "normalizer": None, "pre_tokenizer": byte_level, "post_processor": byte_level,
                   "decoder": byte_level,
                   "model": {"type": "BPE", "dropout": None, "unk_token": None,
                             "continuing_subword_prefix": None, "end_of_word_suffix": None,
                             "fuse_unk": False, "byte_fallback": False,
                             "vocab": {t: i for i, t in enumerate(tokens)}, "merges": merges}},
                  f)
    with open(f"{where}/tokenizer_config.json", "w") as f:
        json.dump({"eos_token": EOS, "tokenizer_class": "PreTrainedTokenizerFast"}, f)
        f.write("\n")


NAMES = [  # parts of transformers' names, and GGUF's for them
    ("model.embed_tokens.", "token_embd."), ("model.norm.", "output_norm."),
    ("lm_head.", "output."), ("transformer.wte.", "token_embd."),
    ("transformer.wpe.", "position_embd."), ("transformer.ln_f.", "output_norm."),
    ("model.layers.", "blk."), ("transformer.h.", "blk."),
    ("self_attn.q_proj.", "attn_q."), ("self_attn.k_proj.", "attn_k."),
    ("self_attn.v_proj.", "attn_v."), ("self_attn.o_proj.", "attn_output."),
    ("self_attn.q_norm.", "attn_q_norm."), ("self_attn.k_norm.", "attn_k_norm."),
    ("attn.c_attn.", "attn_qkv."), ("attn.c_proj.", "attn_output."), ("ln_1.", "attn_norm."),
    ("ln_2.", "ffn_norm."), ("mlp.c_fc.", "ffn_up."), ("mlp.c_proj.", "ffn_down."),
    ("mlp.gate_proj.", "ffn_gate."), ("mlp.up_proj.", "ffn_up."),
    ("mlp.down_proj.", "ffn_down."), ("input_layernorm.", "attn_norm."),
    ("pre_feedforward_layernorm.", "ffn_norm."),
    ("post_feedforward_layernorm.", "post_ffw_norm."),
]


def gguf_name(name, gemma):
    after = "post_attention_norm." if gemma else "ffn_norm."
    for theirs, ours in NAMES + [("post_attention_layernorm.", after)]:
        name = name.replace(theirs, ours)
    return name


def permute(w, heads):
    """Rows (2, hd/2) of each head become (hd/2, 2): Meta's order of the rotated pairs."""
    rest = w.shape[1:]
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *rest).swapaxes(1, 2).reshape(w.shape)


def write_keys(w, arch, c):
    heads = c.num_attention_heads
    kv = getattr(c, "num_key_value_heads", heads)
    inner = getattr(c, "intermediate_size", None) or 4 * c.hidden_size
    w.add_name("tiny " + arch)
    w.add_block_count(c.num_hidden_layers)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_feed_forward_length(inner)
    w.add_head_count(heads)
    if arch == "gpt2":
        w.add_layer_norm_eps(c.layer_norm_epsilon)
        return
    w.add_head_count_kv(kv)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    hd = getattr(c, "head_dim", None) or c.hidden_size // heads
    if hd * heads != c.hidden_size or arch in ("qwen3", "gemma3"):
        w.add_key_length(hd)
        w.add_value_length(hd)
    if arch == "llama":
        w.add_vocab_size(c.vocab_size)
        w.add_rope_dimension_count(hd)
    rope = c.rope_parameters
    if arch == "gemma3":
        w.add_rope_freq_base_swa(rope[GEMMA_LOCAL]["rope_theta"])
        w.add_sliding_window(c.sliding_window)
        w.add_attention_scale(c.query_pre_attn_scalar ** -0.5)
        rope = rope[FULL]
    elif arch == "llama" and getattr(c, "sliding_window", None):
        w.add_sliding_window(c.sliding_window)
    w.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        w.add_string(f"{arch}.rope.scaling.type", "linear")
        w.add_rope_scaling_factor(rope["factor"])


def rope_factors(c):
    rope = c.rope_parameters
    hd = c.head_dim
    wave = 2 * np.pi * rope["rope_theta"] ** (np.arange(0, hd, 2) / hd)
    orig, factor = rope["original_max_position_embeddings"], rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    smooth = (orig / wave - low) / (high - low)
    mixed = 1 / ((1 - smooth) / factor + smooth)
    out = np.where(wave < orig / high, 1.0, np.where(wave > orig / low, factor, mixed))
    assert len(set(out > 1)) == 2 and ((out > 1) & (out < factor)).any()  # all three regimes
    return out.astype(np.float32)


def write_vocabulary(w):
    tokens, merges = vocabulary()
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list([t.encode() for t in tokens] + [EOS.encode()])
    w.add_token_types([1] * len(tokens) + [3])
    w.add_token_merges(merges)
    w.add_eos_token_id(TOKENS - 1)
    w.add_add_bos_token(False)


def add_tensor(w, name, x, conv):
    if conv:
        x = x.T
    x = np.ascontiguousarray(x.numpy())
    if x.ndim == 1 or name.startswith("position_embd"):
        w.add_tensor(name, x)
    elif x.shape[1] % 32 == 0:
        packed = quants.quantize(x, Q.Q8_0)
        assert np.array_equal(quants.dequantize(packed, Q.Q8_0), x)
        w.add_tensor(name, packed, raw_dtype=Q.Q8_0)
    else:
        w.add_tensor(name, x.astype(np.float16))
        assert np.array_equal(x, x.astype(np.float16).astype(np.float32))


def save_gguf(where, spec, model):
    c, arch = model.config, spec.gguf
    gemma = arch == "gemma3"
    w = GGUFWriter(f"{where}/model.gguf", arch)
    write_keys(w, arch, c)
    write_vocabulary(w)
    if arch == "llama" and c.rope_parameters["rope_type"] == "llama3":
        w.add_tensor("rope_freqs.weight", rope_factors(c))
    for name, p in model.named_parameters():
        x, new = p.data, gguf_name(name, gemma)
        if gemma and "norm" in new:
            x = x + 1
        if arch == "llama" and ".attn_q." in new:
            x = permute(x, c.num_attention_heads)
        if arch == "llama" and ".attn_k." in new:
            x = permute(x, c.num_key_value_heads)
        add_tensor(w, new, x, is_conv1d(name))
        if arch == "gpt2" and new == "token_embd.weight":
            add_tensor(w, "output.weight", x, False)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


# --- what the model says -----------------------------------------------------------------------


class Taps:
    """The residual stream around every FFN, and the coefficients."""

    def __init__(self, model):
        self.gpt2 = model.config.model_type == "gpt2"
        body = model.transformer if self.gpt2 else model.model
        self.layers = body.h if self.gpt2 else body.layers
        self.norm = body.ln_f if self.gpt2 else body.norm
        self.handles = []
        for l, layer in enumerate(self.layers):
            self.hook(layer, l)

    def before_ffn(self, layer):
        if self.gpt2:
            return layer.ln_2
        return getattr(layer, "pre_feedforward_layernorm", layer.post_attention_layernorm)

    def down(self, l):
        return self.layers[l].mlp.c_proj if self.gpt2 else self.layers[l].mlp.down_proj

    def hook(self, layer, l):
        def keep(where, value):
            where[l] = value
            if value.requires_grad:
                value.retain_grad()

        layer.register_forward_pre_hook(
            lambda m, a, k: keep(self.into, a[0] if a else k["hidden_states"]), with_kwargs=True)
        layer.register_forward_hook(
            lambda m, a, out: keep(self.out, out[0] if isinstance(out, tuple) else out))
        self.before_ffn(layer).register_forward_pre_hook(lambda m, a: keep(self.h, a[0]))
        self.down(l).register_forward_pre_hook(lambda m, a: keep(self.m, a[0]))
        self.down(l).register_forward_hook(lambda m, a, out: keep(self.ffn, out))

    def run(self, model, ids):
        n = len(self.layers)
        self.into, self.out, self.h, self.m, self.ffn = ([None] * n for _ in range(5))
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def numbers(model, rng):
    taps = Taps(model)
    n, d = len(taps.layers), model.config.hidden_size
    vocab = TOKENS - 1
    ids = [int(i) for i in rng.integers(0, vocab, ALL)]
    label = int(rng.integers(0, vocab))
    other = [int(i) for i in rng.integers(0, vocab, 9)]
    out = {"ids": ids, "other": other, "label": [label]}

    logits = taps.run(model, ids)
    loss = -F.log_softmax(logits[-1], -1)[label]
    loss.backward()
    out["logits"] = logits
    out["residual"] = torch.stack([taps.into[0][0]] + [x[0] for x in taps.out])  # [L+1, T, d]
    out["ffn_in"] = torch.stack([x[0] for x in taps.h])  # [L, T, d]
    out["coeff"] = torch.stack([x[0] for x in taps.m])[:, -1]  # [L, M] of the last token
    out["grad"] = torch.stack([taps.into[0].grad[0]] + [x.grad[0] for x in taps.out])
    check_cache(model, ids, logits)
    out.update(read_out(model, taps, ids))
    out["neuron"] = neuron(model, taps, 1, 3)
    out.update(scores(model, taps, [ids[:PAST], other]))
    out.update(padded_scores(model, taps, [ids[:PAST], other]))
    out.update(edited(model, taps, ids, rng, d))
    return {k: torch.as_tensor(v, dtype=torch.float32).detach().contiguous()
            for k, v in out.items()}


def read_out(model, taps, ids):
    """The lens after each block, and what follows the prompt greedily."""
    with torch.no_grad():
        taps.run(model, ids)
        logits = model.lm_head(taps.norm(torch.stack([x[0] for x in taps.out])))
        cap = getattr(model.config, "final_logit_softcapping", None)
        p = F.softmax(cap * torch.tanh(logits / cap) if cap else logits, -1).max(-1)
        said = ids[:PAST]
        while len(said) < ALL and (len(said) == PAST or said[-1] != TOKENS - 1):
            said = said + [int(taps.run(model, said)[-1].argmax())]
    return {"lens_best": p.indices, "lens_p": p.values, "greedy": said[PAST:]}


def check_cache(model, ids, logits):
    """transformers' own decoding with its cache says the same."""
    with torch.no_grad():
        r = model(input_ids=torch.tensor([ids[:PAST]]), use_cache=True)
        for i in range(PAST, ALL):
            r = model(input_ids=torch.tensor([[ids[i]]]), past_key_values=r.past_key_values,
                      use_cache=True)
            assert (r.logits[0, -1] - logits[i]).abs().max() < 2e-5


def edited(model, taps, ids, rng, d):
    """The logits after W_down += r x^T in layer 1. In Conv1D the matrix stands the other way."""
    w = taps.down(1).weight
    m = w.shape[0] if taps.gpt2 else w.shape[1]
    r = torch.tensor(rng.normal(0, 0.7, d), dtype=torch.float32)
    x = torch.tensor(rng.normal(0, 0.7, m), dtype=torch.float32)
    delta = torch.outer(r, x)
    with torch.no_grad():
        w += delta.T if taps.gpt2 else delta
        logits = taps.run(model, ids)
        w -= delta.T if taps.gpt2 else delta
    return {"edit_r": r, "edit_x": x, "edited": logits[PAST:]}


def lens(model, taps, x, f, own):
    """Logits of residuals x [..., d], the scale being that of the final state f [d] or their own."""
    g = taps.norm.weight.double()
    eps = taps.norm.eps if taps.gpt2 else getattr(taps.norm, "variance_epsilon", None)
    if eps is None:
        eps = taps.norm.eps
    if taps.gpt2:
        x = x - x.mean(-1, keepdim=True)
        f = f - f.mean()
    elif model.config.model_type.startswith("gemma"):
        g = 1 + g
    square = (x * x).mean(-1, keepdim=True) if own else (f * f).mean()
    y = x / torch.sqrt(square + eps) * g
    if taps.gpt2:
        y = y + taps.norm.bias.double()
    logits = y @ model.lm_head.weight.double().T
    cap = getattr(model.config, "final_logit_softcapping", None)
    return cap * torch.tanh(logits / cap) if cap else logits


def states(model, taps, prompts, padded):
    """What each prompt's row is scored by: residual before each FFN, coefficients, what the FFN
    says, final residual, next token; at the last token or, padded on the right to the longest,
    at the last column, as the released code reads it."""
    longest = max(len(p) for p in prompts)
    for ids in prompts:
        wide = ids + [TOKENS - 1] * (longest - len(ids) if padded else 0)
        mask = torch.tensor([[1] * len(ids) + [0] * (len(wide) - len(ids))])
        n = len(taps.layers)
        taps.into, taps.out, taps.h, taps.m, taps.ffn = ([None] * n for _ in range(5))
        logits = model(input_ids=torch.tensor([wide]), attention_mask=mask, use_cache=False).logits
        h, m, said = ([x[0, -1].double() for x in xs] for xs in (taps.h, taps.m, taps.ffn))
        yield h, m, said, taps.out[-1][0, -1].double(), int(logits[0, -1].argmax())


def loud(taps, l, m, said):
    """What each neuron of layer l adds to the residual, AMPLIFY times louder: [M, d]. Behind a
    norm (Gemma) it passes the norm with the scale of the unperturbed sum `said`."""
    w = taps.down(l).weight.double()
    values = w if taps.gpt2 else w.T  # row i is v_i
    norm = getattr(taps.layers[l], "post_feedforward_layernorm", None)
    if norm is not None:
        values = values * (1 + norm.weight.double()) / torch.sqrt((said * said).mean() + norm.eps)
    return AMPLIFY * m[:, None] * values


@torch.no_grad()
def scores(model, taps, prompts, padded=False):
    """Score of every neuron by its definition: each one in turn is made AMPLIFY times louder and
    the lens is read again, in float64. The token explained is the model's own next one."""
    rows = list(states(model, taps, prompts, padded))
    out = {k: [] for k in ("lps", "psa", "lps_own", "mpc", "base_logp")}
    for l in range(len(taps.layers)):
        per = {k: [] for k in out}
        for h, m, said, f, y in rows:
            x = h[l] + loud(taps, l, m[l], said[l])
            p0, p = (F.log_softmax(lens(model, taps, at, f, False), -1)[..., y] for at in (h[l], x))
            q0, q = (F.log_softmax(lens(model, taps, at, f, True), -1)[..., y] for at in (h[l], x))
            for k, v in {"lps": p - p0, "psa": p.exp() - p0.exp(), "lps_own": q - q0, "mpc": m[l],
                         "base_logp": p0}.items():
                per[k].append(v)
        for k in out:
            out[k].append(torch.stack(per[k]))
    result = {k: torch.stack(v) for k, v in out.items()}  # [L, N, M]; base_logp [L, N]
    result["target"] = [row[-1] for row in rows]
    return result


@torch.no_grad()
def neuron(model, taps, l, i):
    """What value vector i of layer l promotes: the head on it, through the gains of the norms it
    passes; a LayerNorm also takes its mean away. [V]"""
    w = taps.down(l).weight.double()
    v, g = (w[i] if taps.gpt2 else w[:, i]), taps.norm.weight.double()
    norm = getattr(taps.layers[l], "post_feedforward_layernorm", None)
    if norm is not None:
        v, g = v * (1 + norm.weight.double()), 1 + g
    if taps.gpt2:
        v = v - v.mean()
    return model.lm_head.weight.double() @ (g * v)


def padded_scores(model, taps, prompts):
    """Not where a window acts: how far it reaches from a pad is nobody's use case."""
    if getattr(model.config, "sliding_window", None):
        return {}
    result = scores(model, taps, prompts, padded=True)
    return {"lps_padded": result["lps"], "target_padded": result["target"]}


def check_files(where, spec, golden):
    """transformers opens the folder and says the same."""
    if "text_config" in spec.config:
        return  # its tower of pictures is not all there
    model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32,
                                                 attn_implementation="eager")
    with torch.no_grad():
        ids = golden["ids"].long()[None]
        assert (model(input_ids=ids).logits[0] - golden["logits"]).abs().max() < 1e-5


def make(where, name, spec):
    rng = np.random.default_rng([ord(c) for c in name])
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    with open(f"{where}/config.json", "w") as f:
        json.dump(spec.config, f, indent=1)
        f.write("\n")
    save_tokenizer(where)
    model = build(spec, rng)
    save_safetensors(where, spec, model)
    if spec.gguf:
        save_gguf(where, spec, model)
    golden = numbers(model, rng)
    save_file(golden, f"{where}/golden.safetensors")
    check_files(where, spec, golden)
    logits = golden["logits"]
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, logits "
          f"{logits.min():.2f} to {logits.max():.2f}, lps {golden['lps'].abs().max():.2f}, "
          f"grad {golden['grad'].norm():.2f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    chosen = sys.argv[1:] or SPECS
    for name in chosen:
        make(f"tests/data/architectures/{name}", name, SPECS[name])
