"""FiNE in PyTorch: fine.py MODEL.gguf FACTS.json OUT.json replaces "fine" in the last one.

An independent implementation by autograd: the value vectors get their changes in a hook of down_proj.
"""
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

path, facts, out = sys.argv[1:4]
folder, name = os.path.split(os.path.abspath(path))
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32,
                                             attn_implementation="eager").eval()
tok = AutoTokenizer.from_pretrained(folder, gguf_file=name)
for p in model.parameters():
    p.requires_grad_(False)
layers = model.model.layers
L = len(layers)
LAST, TOP, LR, STEPS, DECAY, KL, REPEAT = 3, 5, 1e-3, 50, .1, 1., 10.


def ids(text):
    return tok(text, add_special_tokens=False).input_ids


def p_of(prompt, target, hooks=()):
    x = torch.tensor([prompt + target[:-1]])
    lp = torch.log_softmax(model(x).logits[0], -1)
    q = [lp[len(prompt) - 1 + j, t].item() for j, t in enumerate(target)]
    return {"first": float(torch.tensor(q[0]).exp()), "seq": float(torch.tensor(sum(q) / len(q)).exp())}, \
        lp[len(prompt) - 1:]


results = []
for fact in json.load(open(facts)):
    prompt, target = ids(fact["prompt"].replace("{}", fact["subject"])), ids(" " + fact["target_new"])
    P, n = len(prompt), len(target)
    x = torch.tensor([prompt + target])
    coeff = {}
    taps = [l.mlp.down_proj.register_forward_pre_hook(
        lambda m, a, i=i: coeff.__setitem__(i, a[0][0].detach())) for i, l in enumerate(layers)]
    with torch.no_grad():
        before, _ = p_of(prompt, target)
        logits = model(x).logits[0]
    for t in taps:
        t.remove()
    log_p0 = torch.log_softmax(logits, -1)[:P - 1]
    said = logits[P - 1:P - 1 + n].argmax(-1)
    chosen = []
    for j in range(n):
        s = torch.stack([coeff[l][P - 1 + j] * (model.lm_head.weight[said[j]] @ layers[l].mlp.down_proj.weight)
                         for l in range(L - LAST)])
        flat = s.flatten().topk(TOP).indices.tolist()
        chosen += [(k // s.shape[1], k % s.shape[1]) for k in flat]
    chosen.sort()
    delta = torch.zeros(len(chosen), model.config.hidden_size, requires_grad=True)

    def add(l):
        at = [r for r, c in enumerate(chosen) if c[0] == l]
        return lambda m, a, y: y + a[0][..., [chosen[r][1] for r in at]] @ delta[at]
    hooks = [layers[l].mlp.down_proj.register_forward_hook(add(l)) for l in sorted({c[0] for c in chosen})]
    adam = torch.optim.Adam([delta], lr=LR)
    hist = []
    for step in range(STEPS):
        lp = torch.log_softmax(model(x).logits[0], -1)
        nll = torch.stack([-lp[P - 1 + j, t] for j, t in enumerate(target)]).max()
        kl = torch.nn.functional.kl_div(lp[:P - 1], log_p0, log_target=True, reduction="batchmean")
        again = torch.stack([-torch.log1p(-lp[P - 1 + n, t].exp()) for t in target]).max()
        norm = delta.norm() if step else delta.sum() * 0
        loss = nll + DECAY * norm + KL * kl + REPEAT * again
        hist.append([v.item() for v in (loss, nll, kl, again, norm)])
        if nll < -torch.log(torch.tensor(.9)):
            break
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        after, lp = p_of(prompt, target)
        x2 = torch.tensor([prompt + target[:-1]])
        raw = model(x2).logits[0][P - 1:].topk(2).values
    for h in hooks:
        h.remove()
    sums = {}
    for r, c in enumerate(chosen):
        sums[c] = sums.get(c, 0) + delta[r].detach()
    per = {}
    for (l, i), d in sums.items():
        o = per.setdefault(str(l), {"n": 0, "dW": 0.})
        o["n"] += 1
        o["dW"] = (o["dW"] ** 2 + d.norm().item() ** 2) ** .5
    results.append({"before": before, "after": after, "pred": lp.argmax(-1).tolist(), "labels": target,
                    "margin": [(a - b).item() for a, b in raw], "hist": [h[:1] for h in hist],
                    "neurons": [list(c) for c in sorted(sums)], "layers": per})
    print(fact["subject"], before, after, len(hist), hist[0], hist[-1], flush=True)


def short(x):
    if isinstance(x, float):
        return float(f"{x:.7g}")
    if isinstance(x, list):
        return [short(y) for y in x]
    return {k: short(v) for k, v in x.items()} if isinstance(x, dict) else x


every = json.load(open(out))
every["fine"] = short(results)
with open(out, "w") as f:
    f.write("{" + ",".join(f'"{k}":[\n' + ",\n".join(json.dumps(x, separators=(",", ":")) for x in v) + "]"
                           for k, v in every.items()) + "}\n")
