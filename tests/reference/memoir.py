"""The row "memoir" of tests/data/goldens/baselines/beside.json: MEMOIR on the three facts of the
goldens, each on its own, in jax on the model of memit_family.py.

Written from the equations of the paper (arXiv 2506.07899), with the settings of
tests/reference/baselines/memoir.conf; from the program it takes the texts of the background alone.

  memoir.py MODEL.gguf

Needs what memit_family.py needs. It is run by hand."""
import json
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np

from memit_family import BLOCKS, GOLDENS, Fact, Model, block, norm

LAYER, RATE, STEPS, SHARE, DECAY, LONGEST, SEED = 25, 1.0, 30, 0.2857, 1e-5, 1.0, 0
STEADY, ENOUGH = 1e-4, 0.02


def below(state, n):
    """splitmix64: the next state, and a number below n from the upper half of its output."""
    mask = (1 << 64) - 1
    state = (state + 0x9E3779B97F4A7C15) & mask
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return state, (((z ^ (z >> 31)) >> 32) * n) >> 32


def permutation(n):
    to, state = list(range(n)), SEED
    for i in range(n - 1, 0, -1):
        state, j = below(state, i + 1)
        to[i], to[j] = to[j], to[i]
    return np.array(to)


def coefficients(m, ids):
    """Of every token at the layer."""
    x = m.enter([ids])
    for l in range(LAYER):
        x = block(x, m.w[l])[0]
    return np.array(block(x, m.w[LAYER])[1][0], np.float64)


def mask_of(m, ids, background, k):
    size = np.abs((coefficients(m, ids).mean(0) - background).astype(np.float32))
    return set(np.argsort(-size, kind="stable")[:k].tolist())


def edit(m, f, background, k, to):
    chosen = mask_of(m, f.prompts[0], background, k)
    column = np.zeros(len(background), np.float32)
    column[to[sorted(chosen)]] = 1
    n, rows = len(f.target), [p + f.target[:-1] for p in f.prompts]
    x = m.enter(rows)
    for l in range(LAYER):
        x = block(x, m.w[l])[0]
    x, coeff, _ = block(x, m.w[LAYER])
    above = [{name: jnp.array(v) for name, v in w.items()} for w in m.w[LAYER + 1:]]
    head, masked = jnp.array(m.embed), coeff * column
    end = np.array([[len(r) - n + j for j in range(n)] for r in rows])
    which, want = np.arange(len(rows))[:, None], np.array(f.target)

    def each(memory, above, head):
        y = x + masked @ memory.T
        for w in above:
            y = block(y, w)[0]
        logits = norm(y[which, end], m.gain) @ head.T
        return jax.nn.log_softmax(logits, -1)[which, np.arange(n), want]

    loss = jax.jit(jax.value_and_grad(lambda *a: -each(*a).mean()))
    memory, hist = np.zeros((x.shape[-1], len(background)), np.float32), []
    for _ in range(STEPS):
        value, g = loss(jnp.array(memory), above, head)
        g = np.array(g, np.float64)
        hist.append([float(value)])
        if len(hist) > 1 and abs(hist[-1][0] - hist[-2][0]) <= STEADY and value <= ENOUGH:
            break
        g *= min(1, LONGEST / (np.linalg.norm(g) + 1e-6))
        memory = (memory - RATE * (g + DECAY * memory)).astype(np.float32)
    p = lambda w: np.exp(np.array(each(jnp.array(w), above, head), np.float64)[0])
    said = lambda v: {"first": float(v[0]), "seq": float(np.exp(np.log(v).mean()))}
    return chosen, {"before": said(p(memory * 0)), "after": said(p(memory)),
                    "steps": len(hist), "dW": float(np.linalg.norm(memory.astype(np.float64))),
                    "hist": hist}


def main():
    m = Model(sys.argv[1])
    facts = json.load(open(GOLDENS + "/facts.json"))
    prefixes = open(GOLDENS + "/prefixes.txt", encoding="utf-8").read().split("\n")
    every = [Fact(m, fact, [p for p in prefixes if p]) for fact in facts]
    source = open("core/edit/editors/memoir.c", encoding="utf-8").read()
    texts = re.findall(r'"([^"]*)"', source.split("background[] = {")[1].split("};")[0])
    background = np.mean([coefficients(m, m.ids(t)).mean(0) for t in texts], 0)
    k, to = round(SHARE * len(background)), permutation(len(background))
    made = [edit(m, f, background, k, to) for f in every]
    for chosen, row in made:
        row["active"] = k
        row["overlap"] = [len(chosen & other) / k for other, _ in made]
        row["mask_sum"] = sum(chosen)
    path = GOLDENS + "/baselines/beside.json"
    rows = json.load(open(path))
    rows["memoir"] = json.loads(json.dumps([row for _, row in made]),
                                parse_float=lambda x: float("%.7g" % float(x)))
    print(json.dumps([{k: v for k, v in r.items() if k != "hist"} for r in rows["memoir"]]))
    with open(path, "w") as out:
        line = lambda d: json.dumps(d, separators=(",", ":"))
        out.write("{" + ",\n".join('"%s":[\n' % k + ",\n".join(map(line, v)) + "\n]"
                                   for k, v in rows.items()) + "}\n")


main()
