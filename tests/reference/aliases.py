#!/usr/bin/env python3
"""Makes tests/data/aliases.json: questions with several right answers, asked of the tiny Llama of
tests/data/architectures/llama3 by a forward pass of NumPy and the tokenizers library.

The facts are made by hand; an answer "{said}" stands for what the model itself says, so that some
answers are matched. Beside each fact is what the program must print for the base: for each question
and answer the labels, the predicted tokens and the answer that was matched, and the metrics of the
record by the rule: of several right answers the best one counts; port_mean is their mean."""
import json
import re
import string
import sys

import numpy as np
from tokenizers import Tokenizer

FOLDER = "tests/data/architectures/llama3"
MOST = 50  # tokens of a generated answer

FACTS = [
    ("Egypt", "The capital of {} is", "so",
     [("Near Egypt is", ["sea", "CC", "xCC`", "CCCC"]), ("In it was", ["a", "OO"])]),
    ("Kenya", "The land of {} is", "t",
     [("Kenya is", ["no", "The {said}", "{said}"]), ("Kenya was", [["a", "b"], ["c"]])]),
    ("Peru", "{} is in", "an", [("So Peru is", ["{said}"])]),
    ("Chad", "{} has", "it", [("It is of Chad", ["qq", "tt", "q"]), ("ab", ["o {said}", "{said} o", "the {said}"])]),
]


def tensors(path):
    """The tensors of a safetensors file of bfloat16, which NumPy does not have: the upper half of a float32."""
    raw = open(path, "rb").read()
    size = int.from_bytes(raw[:8], "little")
    for name, t in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            a, b = (8 + size + x for x in t["data_offsets"])
            half = np.frombuffer(raw[a:b], "<u2").astype(np.uint32)
            yield name, (half << 16).view(np.float32).astype(np.float64).reshape(t["shape"])


def load():
    config = json.load(open(f"{FOLDER}/config.json"))
    index = json.load(open(f"{FOLDER}/model.safetensors.index.json"))["weight_map"]
    return config, {k: v for shard in sorted(set(index.values())) for k, v in tensors(f"{FOLDER}/{shard}")}


def rope(config, n):
    """cos and sin [n, head_dim / 2] of Llama 3's scaled frequencies."""
    p, d = config["rope_parameters"], config["head_dim"]
    f = p["rope_theta"] ** (-np.arange(0, d, 2) / d)
    length = 2 * np.pi / f
    low = p["original_max_position_embeddings"] / p["low_freq_factor"]
    high = p["original_max_position_embeddings"] / p["high_freq_factor"]
    smooth = (p["original_max_position_embeddings"] / length - p["low_freq_factor"]) / (
        p["high_freq_factor"] - p["low_freq_factor"])
    mixed = (1 - smooth) * f / p["factor"] + smooth * f
    f = np.where(length > low, f / p["factor"], np.where(length < high, f, mixed))
    angle = np.arange(n)[:, None] * f
    return np.cos(angle), np.sin(angle)


def turn(x, cos, sin):
    """x [n, heads, d], halves of d turned against each other."""
    a, b = np.split(x, 2, -1)
    c, s = cos[:, None], sin[:, None]
    return np.concatenate([a * c - b * s, b * c + a * s], -1)


def forward(config, w, ids):
    """Logits [n, V]."""
    n, d = len(ids), config["head_dim"]
    heads, shared = config["num_attention_heads"], config["num_attention_heads"] // config["num_key_value_heads"]
    norm = lambda x, g: x / np.sqrt((x * x).mean(-1, keepdims=True) + config["rms_norm_eps"]) * g
    cos, sin = rope(config, n)
    x = w["model.embed_tokens.weight"][ids]
    for i in range(config["num_hidden_layers"]):
        at = lambda name: w[f"model.layers.{i}.{name}.weight"]
        h = norm(x, at("input_layernorm"))
        q = turn((h @ at("self_attn.q_proj").T).reshape(n, -1, d), cos, sin)
        k = turn((h @ at("self_attn.k_proj").T).reshape(n, -1, d), cos, sin).repeat(shared, 1)
        v = (h @ at("self_attn.v_proj").T).reshape(n, -1, d).repeat(shared, 1)
        a = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(d)
        a = np.where(np.tril(np.ones((n, n), bool)), a, -np.inf)
        a = np.exp(a - a.max(-1, keepdims=True))
        a /= a.sum(-1, keepdims=True)
        x = x + np.einsum("hij,jhd->ihd", a, v).reshape(n, heads * d) @ at("self_attn.o_proj").T
        h = norm(x, at("post_attention_layernorm"))
        g = h @ at("mlp.gate_proj").T
        x = x + (g / (1 + np.exp(-g)) * (h @ at("mlp.up_proj").T)) @ at("mlp.down_proj").T
    return norm(x, w["model.norm.weight"]) @ w["model.embed_tokens.weight"].T


def ask(config, w, tokenizer, prompt, answers):
    """The measures of one question: teacher-forced one an answer, generated one an answer."""
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    alone = encode(prompt)
    ids, end = list(alone), {config["bos_token_id"], *config["eos_token_id"]}
    while len(ids) - len(alone) < MOST and len(ids) < config["max_position_embeddings"]:
        ids.append(int(forward(config, w, ids)[-1].argmax()))
        if ids[-1] in end or re.search(r"[.\n]", tokenizer.decode(ids[len(alone):])):
            break
    said = re.split(r"[.\n]", tokenizer.decode(ids[len(alone):]))[0].strip(" \t\r")
    answers = [a.replace("{said}", said) for a in answers]
    fed = []
    for answer in answers:
        both = encode(f"{prompt} {answer}")
        top = forward(config, w, both).argmax(-1)[len(alone) - 1:-1]
        labels = both[len(alone):]
        fed.append({"predicted": [int(t) for t in top], "labels": labels,
                    "value": float(np.mean(top == labels))})
    return said, answers, fed


def normalised(text):
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def flat(value):
    return [value] if isinstance(value, str) else [a for v in value for a in flat(v)]


def first_best(values):
    return values.index(max(values)) if max(values) > 0 else None


def record(config, w, tokenizer, probes):
    out, metric = [], {"port": [], "port_mean": [], "port_em": [], "port_contains": []}
    for prompt, answers in probes:
        said, answers, fed = ask(config, w, tokenizer, prompt, flat(answers))
        share = [m["value"] for m in fed]
        em = [float(normalised(said) == normalised(a)) for a in answers]
        inside = [float(bool(normalised(a)) and f" {normalised(a)} " in f" {normalised(said)} ") for a in answers]
        metric["port"].append(max(share))
        metric["port_mean"].append(sum(share) / len(share))
        metric["port_em"].append(max(em))
        metric["port_contains"].append(max(inside))
        out.append({"prompt": prompt, "answers": answers, "said": said, "teacher": fed,
                    "matched": {"teacher": first_best(share),
                                "generated": first_best([a + b for a, b in zip(em, inside)])}})
    return out, {k: sum(v) / len(v) for k, v in metric.items()}


def main(out):
    config, w = load()
    tokenizer = Tokenizer.from_file(f"{FOLDER}/tokenizer.json")
    records = []
    for subject, prompt, target, probes in FACTS:
        questions, metrics = record(config, w, tokenizer, probes)
        fact = {"subject": subject, "prompt": prompt, "target_new": target,
                "portability": [{"prompt": q["prompt"], "answer": q["answers"]} for q in questions]}
        records.append({"fact": fact, "questions": questions, "metrics": metrics})
    json.dump(records, open(out, "w"), indent=1)


main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/aliases.json")
