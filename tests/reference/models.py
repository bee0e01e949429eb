#!/usr/bin/env python3
"""Real models in transformers: tokens, next-token probabilities and scores of neurons, for
`make models-check`.

  models.py NAME MODEL.gguf OUT.json

The weights are those of the file, as gguf dequantises them, in float32; the model is transformers'
own, and so is the tokenizer that it makes of the file. Scores are of one fact without prefixes: the
log probability shift (editscope-method(7) 3.4) of some neurons of one layer, each by its own softmax
over the whole vocabulary, in float64.
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = ["The Eiffel Tower is located in the city of", "Ångström was born in 1814, in Lögdö.",
         "def f(x):\n    return x + 1\n", "東京は日本の首都です。", "  two  blanks, a tab\tand 1234567.",
         "I don't think it's John's."]
PROMPTS = ["The Eiffel Tower is located in the city of", "The mother tongue of Danielle Darrieux is",
           "The capital of Japan is", "def fibonacci(n):"]
SUBJECT, PROMPT = "Eiffel Tower", "The {} is located in the city of"
ALPHA, NEURONS, TOP = 30, 24, 5

name, path, out = sys.argv[1:4]
folder, file = path.rsplit("/", 1)
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()
layers = model.model.layers
layer = len(layers) // 3


def ids_of(text):
    return tokenizer(text, add_special_tokens=False).input_ids


def with_begin(text):
    """As editscope reads a prompt: the token of the beginning first where the model has one."""
    return ids_of(text) if not GEMMA else [tokenizer.bos_token_id] + ids_of(text)


GEMMA = "gemma" in model.config.model_type


def eps_of(norm):
    return float(getattr(norm, "variance_epsilon", getattr(norm, "eps", 0)))


def gain_of(norm):
    return norm.weight.double() + (1 if GEMMA else 0)


@torch.no_grad()
def answers():
    found = []
    for prompt in PROMPTS:
        logits = model(torch.tensor([with_begin(prompt)])).logits[0, -1].double()
        top = torch.log_softmax(logits, -1).topk(TOP)
        found.append({"prompt": prompt, "ids": top.indices.tolist(), "logp": top.values.tolist()})
    return found


@torch.no_grad()
def scores():
    seen = {}
    down = layers[layer].mlp.down_proj
    post = getattr(layers[layer], "post_feedforward_layernorm", None)
    hooks = [down.register_forward_hook(lambda m, i, o: seen.update(m=i[0], s=o)),
             layers[layer].register_forward_hook(lambda m, i, o: seen.update(
                 out=o[0] if isinstance(o, tuple) else o)),
             model.model.norm.register_forward_hook(lambda m, i, o: seen.update(final=i[0]))]
    written = post.register_forward_hook(lambda m, i, o: seen.update(added=o)) if post else None
    logits = model(torch.tensor([with_begin(PROMPT.format(SUBJECT))])).logits[0, -1]
    for hook in hooks + ([written] if written else []):
        hook.remove()
    last = {k: (v[0] if v.dim() == 3 else v)[-1].double() for k, v in seen.items()}
    h = last["out"] - (last["added"] if post else last["s"])     # the stream before the FFN
    y = int(logits.argmax())
    values = down.weight.double()                                # [d, M]
    if post:
        values = gain_of(post)[:, None] * values / (last["s"].square().mean() + eps_of(post)).sqrt()
    norm = model.model.norm
    head = model.lm_head.weight.double() * gain_of(norm)
    head = head / (last["final"].square().mean() + eps_of(norm)).sqrt()
    base = torch.log_softmax(head @ h, -1)[y]
    m = last["m"]
    order = m.abs().argsort(descending=True)
    chosen = sorted(order[torch.linspace(0, len(order) - 1, NEURONS).long()].tolist())
    shift = [float(torch.log_softmax(head @ (h + ALPHA * m[i] * values[:, i]), -1)[y] - base)
             for i in chosen]
    return {"layer": layer, "target": y, "neurons": chosen, "lps": shift,
            "coefficients": [float(m[i]) for i in chosen]}


json.dump({"model": name, "tokens": [{"text": t, "ids": ids_of(t)} for t in TEXTS],
           "answers": answers(), "subject": SUBJECT, "prompt": PROMPT, "scores": scores()},
          open(out, "w"), ensure_ascii=False, indent=1)
print(name, "written to", out)
