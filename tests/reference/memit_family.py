"""Rows of tests/data/goldens/baselines for the methods that are MEMIT or AlphaEdit with one thing
changed: encore, memit_fe, rect, sphere, prune, and memit with a length for the target (nas); and
evoedit_row and lyaplock_row, the three facts one after the other.

Independent of the program: the default model written out in jax, float32, gradients by jax; solves
by numpy in float64 with plain M x M matrices. The same settings as tests/reference/baselines:
prefixes of the goldens, the first 20,480 tokens of the program's text in windows of 256, uncentred.

  memit_family.py MODEL.gguf [METHOD...]

Needs jax, numpy, gguf, tokenizers, safetensors. It first makes memit, which is known, as a check of
itself. It is run by hand."""
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from gguf import GGUFReader, dequantize
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

GOLDENS = "tests/data/goldens"
LAYERS, TOKENS, WINDOW = [4, 5, 6, 7, 8], 20480, 256
STEPS, RATE, DECAY, CLAMP, KL, STOP = 25, 0.5, 0.5, 0.75, 0.0625, 0.05
LAMBDA_C, LAMBDA, NULL, MU, ANCHOR = 15000, 1.0, 0.7, 20.0, 80.0
ETA, ALPHA, DROP = 0.5, 0.5, 0.6
LOCK, BUDGET = 1000.0, 0.9  # lyaplock: lambda, and an alpha that its queues exceed
TIMES = 8.0  # prune: as many times the update, so that there is something to damp
BLOCKS, HEADS, KV, HD, D, EPS, BASE = 30, 9, 3, 64, 576, 1e-5, 1e5
NAMES = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up",
         "ffn_down"]


def norm(x, gain):
    return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + EPS) * gain


def rope(x):  # [rows, T, heads, HD], pairs (2i, 2i + 1)
    angle = np.arange(x.shape[1])[:, None] * BASE ** (-np.arange(0, HD, 2) / HD)
    cos, sin = np.cos(angle).astype(np.float32)[:, None], np.sin(angle).astype(np.float32)[:, None]
    a, b = x[..., 0::2], x[..., 1::2]
    return jnp.stack([a * cos - b * sin, b * cos + a * sin], -1).reshape(x.shape)


def block(x, w):
    """Its output, the coefficients, and what the FFN adds."""
    n, t, _ = x.shape
    a = norm(x, w["attn_norm"])
    q = rope((a @ w["attn_q"].T).reshape(n, t, HEADS, HD))
    k = rope((a @ w["attn_k"].T).reshape(n, t, KV, HD))
    v = (a @ w["attn_v"].T).reshape(n, t, KV, HD)
    k, v = jnp.repeat(k, HEADS // KV, 2), jnp.repeat(v, HEADS // KV, 2)
    s = jnp.einsum("bihd,bjhd->bhij", q, k) / np.float32(np.sqrt(HD))
    s = jax.nn.softmax(jnp.where(np.tri(t, dtype=bool), s, np.float32(-1e30)), -1)
    x = x + jnp.einsum("bhij,bjhd->bihd", s, v).reshape(n, t, D) @ w["attn_output"].T
    f = norm(x, w["ffn_norm"])
    m = jax.nn.silu(f @ w["ffn_gate"].T) * (f @ w["ffn_up"].T)
    ffn = m @ w["ffn_down"].T
    return x + ffn, m, ffn


block = jax.jit(block)


class Model:
    def __init__(self, path):
        reader = GGUFReader(path)
        stored = {t.name: t for t in reader.tensors}
        weight = lambda n: dequantize(stored[n].data, stored[n].tensor_type).astype(np.float32)
        self.embed, self.gain = weight("token_embd.weight"), weight("output_norm.weight")
        self.w = [{n: weight(f"blk.{l}.{n}.weight") for n in NAMES} for l in range(BLOCKS)]
        vocab = {w: i for i, w in enumerate(reader.fields["tokenizer.ggml.tokens"].contents())}
        merges = [tuple(m.split(" ")) for m in reader.fields["tokenizer.ggml.merges"].contents()]
        self.tok = Tokenizer(models.BPE(vocab=vocab, merges=merges))
        self.tok.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True),
             pre_tokenizers.ByteLevel(add_prefix_space=False)])
        self.tok.decoder = decoders.ByteLevel()

    def ids(self, text):
        return self.tok.encode(text).ids

    def enter(self, rows):
        """Padded on the right, which a causal model does not see."""
        width = max(map(len, rows))
        return jnp.array(self.embed[np.array([r + [0] * (width - len(r)) for r in rows])])

    def logits(self, x):
        return norm(x, self.gain) @ self.embed.T


class Fact:
    def __init__(self, m, fact, prefixes):
        self.found = {}
        self.target = m.ids(" " + fact["target_new"])
        before = fact["prompt"].split("{}")[0]
        prompt = fact["prompt"].replace("{}", fact["subject"])
        self.prompts = [m.ids(p + prompt) for p in [""] + prefixes]
        self.look = [len(m.ids(p + before + fact["subject"])) - 1 for p in [""] + prefixes]
        self.essence = m.ids(fact["subject"] + " is a")
        self.at = len(m.ids(fact["subject"])) - 1


def optimise(m, f, layer):
    """h0 of block `layer`, and of each step delta, [loss, nll, kl, p], and whether every label of the
    prefixed rows is the argmax."""
    if layer in f.found:
        return f.found[layer]
    n, rows = len(f.target), [p + f.target[:-1] for p in f.prompts] + [f.essence]
    look, want = np.array(f.look + [f.at]), np.array(f.target)
    x = m.enter(rows)
    for l in range(layer + 1):
        x = block(x, m.w[l])[0]
    h0, above = x[0, look[0]], [{k: jnp.array(v) for k, v in w.items()} for w in m.w[layer + 1:]]
    head = jnp.array(m.embed)
    end = np.array([[len(r) - n + j for j in range(n)] for r in rows[:-1]])
    which = np.arange(len(rows) - 1)[:, None]

    def logits(delta, above, head):
        y = x.at[np.arange(len(rows)), look].add(delta)
        for w in above:
            y = block(y, w)[0]
        return norm(y[which, end], m.gain) @ head.T, norm(y[-1, f.at], m.gain) @ head.T

    def loss(delta, p0, above, head):
        ends, last = logits(delta, above, head)
        each = jax.nn.log_softmax(ends, -1)[which, np.arange(n), want].sum(-1)
        last = jax.nn.log_softmax(last)
        nll, kl = -each.mean() / n, KL * (jnp.exp(last) * (last - p0)).sum()
        return nll + kl, (nll, kl, jnp.exp(each).mean(), (ends.argmax(-1) == want)[1:].all())

    slope = jax.jit(jax.value_and_grad(loss, has_aux=True))
    p0 = jax.nn.log_softmax(logits(jnp.zeros(D), above, head)[1])
    size = np.linalg.norm(np.array(h0, np.float64))
    delta, one, two, trail = np.zeros(D), np.zeros(D), np.zeros(D), []
    for step in range(STEPS):
        (value, (nll, kl, p, won)), g = slope(jnp.array(delta, jnp.float32), p0, above, head)
        length = np.linalg.norm(delta)
        value = float(value) + DECAY * length / size ** 2
        trail.append((delta, [value, float(nll), float(kl), float(p)], bool(won)))
        if value < STOP or step == STEPS - 1:
            break
        g = np.array(g, np.float64) + (DECAY / size ** 2 * delta / length if length else 0)
        one, two = 0.9 * one + 0.1 * g, 0.999 * two + 0.001 * g * g
        t = step + 1
        delta = delta - RATE * (one / (1 - 0.9 ** t)) / (np.sqrt(two / (1 - 0.999 ** t)) + 1e-8)
        if np.linalg.norm(delta) > CLAMP * size:
            delta = delta * CLAMP * size / np.linalg.norm(delta)
    f.found[layer] = np.array(h0, np.float64), trail
    return f.found[layer]


def read(m, f, first=None):
    """Keys of the layers, block outputs and what the FFNs add at the bare lookup; with `first` in
    the place of the output of the first edited block there."""
    keys, outs, ffn, look = {}, {}, {}, np.array(f.look)
    x = m.enter(f.prompts)
    for l in range(LAYERS[-1] + 1):
        x, coeff, add = block(x, m.w[l])
        if first is not None and l == LAYERS[0]:
            x = x.at[0, look[0]].set(jnp.array(first, jnp.float32))
        if l in LAYERS:
            k = np.array(coeff[np.arange(len(look)), look], np.float64)
            keys[l] = 0.5 * k[0] + 0.5 * k[1:].mean(0)
            outs[l] = np.array(x[0, look[0]], np.float64)
            ffn[l] = np.array(add[0, look[0]], np.float64)
    return keys, outs, ffn


def moments(m):
    text = open("samples/text/wikitext2-test.txt", encoding="utf-8").read()[:400000]
    ids = np.array(m.ids(text)[:TOKENS]).reshape(-1, WINDOW)
    c = {l: 0 for l in LAYERS}
    for i in range(0, len(ids), 8):
        x = jnp.array(m.embed[ids[i:i + 8]])
        for l in range(LAYERS[-1] + 1):
            x, coeff, _ = block(x, m.w[l])
            if l in LAYERS:
                k = np.array(coeff, np.float64).reshape(-1, coeff.shape[-1])
                c[l] = c[l] + k.T @ k
    return {l: x / TOKENS for l, x in c.items()}


def answer(m, f):
    row = f.prompts[0] + f.target[:-1]
    x = m.enter([row])
    for w in m.w:
        x = block(x, w)[0]
    ends = np.array(m.logits(x[0, len(row) - len(f.target):]), np.float64)
    logp = ends - np.log(np.exp(ends - ends.max(-1, keepdims=True)).sum(-1, keepdims=True)) \
        - ends.max(-1, keepdims=True)
    each, top = logp[np.arange(len(f.target)), f.target], np.sort(ends, -1)
    return {"first": float(np.exp(each[0])), "seq": float(np.exp(each.mean()))}, \
        ends.argmax(-1).tolist(), (top[:, -1] - top[:, -2]).tolist()


def memit_x(c, mu=0.0):
    return lambda l, k: np.linalg.solve(
        LAMBDA_C * c[l] + mu * np.eye(len(k)) + np.outer(k, k), k)


def alphaedit_x(null):
    return lambda l, k: np.linalg.solve(
        null[l] @ np.outer(k, k) + LAMBDA * np.eye(len(k)), null[l] @ k)


def down(m, l):
    return m.w[l]["ffn_down"]


def write(m, f, solve, z=None, each=None, times=1):
    """Writes all layers, so many times; z: spread; each {layer: z}: all the way. What it wrote, and
    the report."""
    made, report = [], {}
    for i, l in enumerate(LAYERS):
        k, o, _ = read(m, f)
        left = each[l] - o[l] if each else z - o[LAYERS[-1]]
        r, x = (left if each else left / (len(LAYERS) - i)), solve(l, k[l])
        report[str(l)] = {"res": np.linalg.norm(left), "gain": k[l] @ x,
                          "dW": times * np.linalg.norm(r) * np.linalg.norm(x)}
        x = times * x
        made.append((l, r, x, k[l]))
        m.w[l]["ffn_down"] = down(m, l) + np.outer(r, x).astype(np.float32)
    return made, report


def rect(w, change):
    change = change.astype(np.float32)
    ratio = np.abs(change / (w + np.float32(1e-8)))
    least = np.sort(ratio, None)[int(ratio.size * DROP) - 1]
    return np.where(ratio >= least, change, 0), int((ratio >= least).sum())


def sphere(w, change):
    n = w.astype(np.float64)
    n = n / (np.linalg.norm(n, axis=1, keepdims=True) + 1e-8)
    s, u = np.linalg.eigh(n.T @ n / len(n))
    r = int((np.cumsum(s[::-1]) / s.sum() <= ETA).sum()) + 1
    u = u[:, -r:]
    return change - ALPHA * (change @ u) @ u.T, r


def prune(w, change):
    u, s, v = np.linalg.svd(change, full_matrices=False)
    most = np.linalg.norm(w.astype(np.float64), 2)
    return (u * np.where(s > most, np.log(np.maximum(s, 1e-300) / most) + most, s)) @ v


def shape(m, name, made, before, report, tensors, label):
    """RECT, PRUNE and SPHERE: all layers are as MEMIT and AlphaEdit have them; now what is written."""
    for l, r, x, k in made:
        here = report[str(l)]
        if name == "rect":
            part, here["kept"] = rect(before[l], np.outer(r, x))
        elif name == "prune":
            part = prune(before[l], np.outer(r, x))
        else:
            part, here["directions"] = sphere(before[l], np.outer(r, x))
        here["dW"], here["gain_mask"] = np.linalg.norm(part), r @ part @ k / (r @ r)
        m.w[l]["ffn_down"] = before[l] + part.astype(np.float32)
        if l > LAYERS[0] or name == "prune":
            continue
        if name == "rect":
            tensors[label + ".row_norm"] = np.linalg.norm(part, axis=1).astype(np.float32)
        else:
            u = r @ part
            tensors[label + ".u"] = (u / np.linalg.norm(u)).astype(np.float32)


def edit(m, f, name, c, null, tensors, label):
    before = {l: down(m, l).copy() for l in LAYERS}
    out = {"before": answer(m, f)[0]}
    h0, trail = optimise(m, f, LAYERS[0] if name == "memit_fe" else LAYERS[-1])
    if name == "encore":  # it ends at the second step at which all is said
        won = [i for i, step in enumerate(trail) if step[2]]
        trail = trail[:won[1] + 1] if len(won) > 1 else trail
    delta, hist = trail[-1][0], [step[1] for step in trail]
    z = h0 + delta
    if name == "nas":
        v = read(m, f)[2][LAYERS[-1]] + delta
        out["v"] = np.linalg.norm(v)
        z = z - v + v * ANCHOR / np.linalg.norm(v)
    each = read(m, f, z)[1] if name == "memit_fe" else None
    solve = {"encore": memit_x(c, MU), "sphere": alphaedit_x(null)}.get(name, memit_x(c))
    made, out["layers"] = write(m, f, solve, z, each, TIMES if name == "prune" else 1)
    if name in ("rect", "sphere", "prune"):
        shape(m, name, made, before, out["layers"], tensors, label)
    else:
        tensors[label + ".z"] = z.astype(np.float32)
    out["hist"] = hist
    out["after"], out["pred"], out["margin"] = answer(m, f)
    out["labels"] = f.target
    for l in LAYERS:
        m.w[l]["ffn_down"] = before[l]
    return out


def evolve(p, k):
    """EvoEdit: the null space without the direction of k."""
    pk = p @ k
    return p - np.outer(pk, pk) / (k @ pk)


def in_a_row(m, every, null, lock=None):
    """EvoEdit, or with `lock` LyapLock, of one fact after the other, each on the weights that the
    one before left."""
    before, done = {l: down(m, l).copy() for l in LAYERS}, []
    p = {l: x.copy() for l, x in null.items()}
    for f in every:
        kept, f.found = f.found, {}
        h0, trail = optimise(m, f, LAYERS[-1])
        f.found = kept
        out = {"before": answer(m, f)[0], "hist": [step[1] for step in trail]}
        solve = lambda l, k: p[l] @ k / (LAMBDA + k @ p[l] @ k)
        z = h0 + trail[-1][0]
        out["layers"] = lock.write(m, f, z) if lock else write(m, f, solve, z)[1]
        out["after"], out["pred"], out["margin"] = answer(m, f)
        out["labels"] = f.target
        after = read(m, f)[0]
        p = {l: evolve(p[l], after[l]) for l in LAYERS}
        done.append(out)
    for l in LAYERS:
        m.w[l]["ffn_down"] = before[l]
    return done


class Lock:
    """LyapLock: queues, past keys and the values that they were given, a layer each."""

    def __init__(self, m, c):
        self.c, self.base = c, {l: down(m, l).astype(np.float64) for l in LAYERS}
        self.queue, self.first = {l: 1.0 for l in LAYERS}, {}
        self.keys, self.values = {l: [] for l in LAYERS}, {l: [] for l in LAYERS}

    def write(self, m, f, z):
        report = {}
        for i, l in enumerate(LAYERS):
            keys, outs, _ = read(m, f)
            k, w = keys[l], down(m, l).astype(np.float64)
            left = z - outs[LAYERS[-1]]
            r, weigh = left / (len(LAYERS) - i), self.queue[l] * LOCK
            a = weigh * self.c[l] + np.outer(k, k) + sum(np.outer(p, p) for p in self.keys[l])
            right = np.outer(r, k) - weigh * (w - self.base[l]) @ self.c[l]
            for p, v in zip(self.keys[l], self.values[l]):
                right = right + np.outer(v - w @ p, p)
            change = np.linalg.solve(a, right.T).T
            report[str(l)] = {"res": np.linalg.norm(left), "gain": k @ np.linalg.solve(a, k)}
            m.w[l]["ffn_down"] = down(m, l) + change.astype(np.float32)
            report[str(l)]["dW"] = np.linalg.norm(change)
        after = read(m, f)[0]
        for l in LAYERS:
            w = down(m, l).astype(np.float64)
            moved = w - self.base[l]
            loss = np.trace(moved @ self.c[l] @ moved.T)
            first = self.first.setdefault(l, loss)
            self.queue[l] = max(self.queue[l] + loss / (BUDGET * first) - 1, 1)
            self.keys[l].append(after[l])
            self.values[l].append(w @ after[l])
        print("queues", self.queue)
        return report


def rounded(x):
    if isinstance(x, dict):
        return {k: rounded(v) for k, v in x.items()}
    if isinstance(x, list):
        return [rounded(v) for v in x]
    return float("%.7g" % x) if isinstance(x, (float, np.floating)) else x


def main():
    m = Model(sys.argv[1])
    facts = json.load(open(GOLDENS + "/facts.json"))
    prefixes = open(GOLDENS + "/prefixes.txt", encoding="utf-8").read().split("\n")
    prefixes = [p for p in prefixes if p]
    c, null = moments(m), {}
    for l in LAYERS:
        u = np.linalg.eigh(c[l])[1][:, :round(NULL * len(c[l]))]
        null[l] = u @ u.T
    where = GOLDENS + "/baselines/"
    rows, tensors = json.load(open(where + "facts.json")), load_file(where + "tensors.safetensors")
    every = [Fact(m, fact, prefixes) for fact in facts]
    methods = ["encore", "memit_fe", "rect", "sphere", "prune", "nas", "evoedit_row",
               "lyaplock_row"]
    for name in ["memit"] + (sys.argv[2:] or methods):
        own = {}
        if name.endswith("_row"):
            done = in_a_row(m, every, null, Lock(m, c) if name == "lyaplock_row" else None)
        else:
            done = [edit(m, f, name, c, null, own, "%s.fact%d" % (name, n))
                    for n, f in enumerate(every)]
        if name == "memit":
            for a, b in zip(done, rows["memit"]):
                print("memit: norms off by", ["%.0e" % abs(a["layers"][l]["dW"] / b["layers"][l]["dW"] - 1)
                                              for l in a["layers"]], "p", a["after"], b["after"])
            continue
        rows[name] = rounded(done)
        tensors.update(own)
        print(name, json.dumps([{k: v for k, v in d.items() if k != "hist"} for d in rows[name]]))
        sys.stdout.flush()
    with open(where + "facts.json", "w") as out:
        line = lambda d: json.dumps(d, separators=(",", ":"))
        out.write("{" + ",\n".join('"%s":[\n' % k + ",\n".join(map(line, v)) + "\n]"
                                   for k, v in rows.items()) + "}\n")
    save_file(tensors, where + "tensors.safetensors")


if __name__ == "__main__":
    main()
