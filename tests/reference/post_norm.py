"""tests/data/goldens/post_norm.safetensors: what an FFN with a norm behind it is to give to that
norm when several layers share an edit (editscope-method(7) 7.2), by general least squares in
float64, where the program has a formula for each component.

- vectors: the turn of the first of some layers.
- an edit of three layers of the tiny Gemma 3 of tests/data/architectures, with transformers, for a
  given z: MEMIT's solve, gains, residuals, norms, and the probability after."""
import json
import os

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

torch.set_grad_enabled(False)
torch.set_default_dtype(torch.float64)
EPS = 1e-6
TINY = "tests/data/architectures/gemma3"
LAYERS, LAMBDA, WINDOW, TOKENS, BYTES = [1, 2, 4], 0.3, 64, 2048, 20000


# --- vectors -----------------------------------------------------------------------------------


def norm(gain, u, eps=EPS):
    return gain * u / np.sqrt((u * u).mean() + eps)


def turns(gains, r, kappa):
    """v_k of all layers: least |sum_k g_k * v_k - r|^2 + kappa sum_k |v_k|^2; for kappa = 0 the
    shortest of those."""
    d = len(r)
    a = np.hstack([np.diag(g) for g in gains])
    if kappa > 0:
        a, r = np.vstack([a, np.sqrt(kappa) * np.eye(a.shape[1])]), np.r_[r, np.zeros(a.shape[1])]
    return np.linalg.lstsq(a, r, rcond=None)[0].reshape(-1, d)


def turned(gains, y, left, most, eps=EPS):
    """What the first layer's norm is to read instead of y: as long, and no turn beyond `most`,
    where kappa follows from (the rule of Illinois)."""
    rms = np.sqrt((y * y).mean() + eps)
    over = lambda kappa: 1 - most / np.linalg.norm(turns(gains, left, kappa)[0])
    kappa = 0.0
    if np.linalg.norm(turns(gains, left, 0)[0]) > most:
        low, high = 0.0, 1e-3
        while over(high) > 0:
            low, high = high, 4 * high
        f, h = over(low), over(high)
        for _ in range(300):
            kappa = (low * h - high * f) / (h - f)
            new = over(kappa)
            if new * h < 0:
                low, f = high, h
            else:
                f /= 2
            high, h = kappa, new
            if abs(new) < 1e-14:
                break
        assert abs(new) < 1e-12
    u = y + rms * turns(gains, left, kappa)[0]
    return u * np.linalg.norm(y) / np.linalg.norm(u)


WIDTH, MOST_LAYERS = 24, 3


def vector_cases(rng):
    d = WIDTH
    f32 = lambda x: np.asarray(x, np.float32).astype(np.float64)
    gain = lambda spread: f32(np.exp(rng.normal(0, spread, d)) *
                              np.where(rng.random(d) < 0.1, -1, 1))
    three, y, side = [gain(1), gain(1), gain(1)], f32(rng.normal(0, 0.3, d)), rng.normal(0, 1, d)
    zeros = [g.copy() for g in three]
    zeros[0][[3, 11]] = 0
    zeros[1][[3, 5]] = 0
    zeros[2][3] = 0  # no layer reaches component 3
    c = norm(three[0], y)
    yield "three layers", three, y, side, 9, EPS
    yield "bounded", three, y, 3 * side, 0.8, EPS
    yield "bounded, small", three, y, side, 0.02, EPS
    yield "one layer", three[:1], y, 0.5 * side, 50, EPS
    yield "one layer, bounded", three[:1], y, side, 2, EPS
    yield "equal gains", [f32(np.full(d, 2.5))] * 3, y, side, 9, EPS
    yield "gains of 0", zeros, y, side, 9, EPS
    yield "gains of 0, last", zeros[2:], y, side, 3, EPS
    yield "along", three, y, 0.8 * c, 9, EPS
    yield "opposite", three[:1], y, -2 * c, 50, EPS
    yield "nothing", three, y, 0 * c, 1, EPS
    yield "large eps", three[:2], y, side, 1, 0.2


def vectors(rng):
    out = {k: [] for k in ("gain", "y", "left", "change", "most", "eps", "layers")}
    for name, gains, y, left, most, eps in vector_cases(rng):
        left = np.asarray(left, np.float32).astype(np.float64)
        most, eps = float(np.float32(most)), float(np.float32(eps))
        u = turned(gains, y, left, most, eps)
        print(f"{name:20s} |y| {np.linalg.norm(y):.3f} |left| {np.linalg.norm(left):.3f} "
              f"|change|/|y| {np.linalg.norm(u - y) / np.linalg.norm(y):.3f}")
        padded = np.r_[np.concatenate(gains), np.zeros((MOST_LAYERS - len(gains)) * WIDTH)]
        for k, v in zip(out, (padded, y, left, u - y, [most], [eps], [len(gains)])):
            out[k].append(v)
    return {k: torch.tensor(np.array(v), dtype=torch.float32) for k, v in out.items()}


# --- an edit -----------------------------------------------------------------------------------


class Tiny:
    def __init__(self):
        self.model = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float64,
                                                          attn_implementation="eager")
        self.tokenizer = Tokenizer.from_file(TINY + "/tokenizer.json")
        self.layers = self.model.model.layers
        self.m, self.s, self.out = {}, {}, {}
        for l, layer in enumerate(self.layers):
            down = layer.mlp.down_proj
            down.register_forward_pre_hook(lambda _, a, l=l: self.m.update({l: a[0][0]}))
            down.register_forward_hook(lambda _, a, o, l=l: self.s.update({l: o[0]}))
            layer.register_forward_hook(lambda _, a, o, l=l: self.out.update(
                {l: (o[0] if isinstance(o, tuple) else o).reshape(-1, a[0].shape[-1])}))

    def run(self, ids):
        return self.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]

    def gain(self, l):
        return (1 + self.layers[l].post_feedforward_layernorm.weight).numpy()

    def moment(self):
        text = open("samples/text/wikitext2-test.txt", "rb").read(BYTES).decode()
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        c = {l: 0 for l in LAYERS}
        for at in range(0, TOKENS, WINDOW):
            self.run(ids[at:at + WINDOW])
            for l in LAYERS:
                c[l] = c[l] + self.m[l].T @ self.m[l]
        return {l: (x / TOKENS).numpy() for l, x in c.items()}

    def read(self, ids):
        self.run(ids)
        return {l: (self.m[l][-1].numpy(), self.s[l][-1].numpy(), self.out[l][-1].numpy())
                for l in LAYERS}


def edit(rng):
    tiny = Tiny()
    eps = tiny.layers[0].post_feedforward_layernorm.eps
    prompt = tiny.tokenizer.encode("Al", add_special_tokens=False).ids
    target = tiny.tokenizer.encode(" k", add_special_tokens=False).ids
    c, last = tiny.moment(), LAYERS[-1]
    now = tiny.read(prompt)
    s = now[last][1]
    z = np.asarray(s + rng.normal(0, np.sqrt((s * s).mean()), len(s)), np.float32)
    reach = norm(tiny.gain(last), z.astype(np.float64), eps)
    wanted = now[last][2] + reach - norm(tiny.gain(last), s, eps)
    unit = lambda u: u / np.sqrt((u * u).mean() + eps)
    most = np.linalg.norm(unit(z.astype(np.float64)) - unit(s))
    p = lambda: float(torch.softmax(tiny.run(prompt)[-1], -1)[target[0]])
    out = {"z": z, "p": [p()], "gain_mask": [], "residual": [], "delta_norm": []}
    for i, l in enumerate(LAYERS):
        k, y, _ = now[l]
        left = wanted - now[last][2]
        r = turned([tiny.gain(k) for k in LAYERS[i:]], y, left, most, eps) - y
        x = np.linalg.solve(LAMBDA * c[l] + np.outer(k, k), k)
        tiny.layers[l].mlp.down_proj.weight += torch.tensor(np.outer(r, x))
        now = tiny.read(prompt)
        out["gain_mask"].append(k @ x)
        out["residual"].append(np.linalg.norm(left))
        out["delta_norm"].append(np.linalg.norm(r) * np.linalg.norm(x))
    out["p"].append(p())
    out["z_error"] = [np.linalg.norm(wanted - now[last][2]) / np.linalg.norm(reach)]
    out["ids"] = prompt + target
    print(json.dumps({k: np.round(v, 5).tolist() for k, v in out.items()}))
    return {"edit." + k: torch.tensor(np.array(v), dtype=torch.float32) for k, v in out.items()}


rng = np.random.default_rng(20)
os.makedirs("tests/data/goldens", exist_ok=True)
save_file({**vectors(rng), **edit(rng)}, "tests/data/goldens/post_norm.safetensors")
