"""The row "ike_k6" of tests/data/goldens/baselines/beside.json: IKE with the six demonstrations that
the two records of demonstrations.json make, on the three facts of the goldens; the text put together
from EasyEdit's strings, in jax on the model of memit_family.py.

  ike.py MODEL.gguf

Needs what memit_family.py needs. It is run by hand."""
import json
import sys

import jax
import numpy as np

from memit_family import BLOCKS, GOLDENS, Model, block

WHERE = GOLDENS + "/baselines/"


def demonstrations():
    text = ""
    for r in json.load(open(WHERE + "demonstrations.json")):
        for prompt, answer in ((r["src"], r["alt"]), (r["rephrase"], r["alt"]),
                               (r["loc"], r["loc_ans"])):
            text += "New Fact: %s %s\nPrompt: %s %s\n\n" % (r["src"], r["alt"], prompt, answer)
    return text


def score(m, text, target):
    ids, want = m.ids(text), m.ids(" " + target)
    x = m.enter([ids + want[:-1]])
    for l in range(BLOCKS):
        x = block(x, m.w[l])[0]
    log_p = jax.nn.log_softmax(m.logits(x[0, len(ids) - 1:]), -1)
    p = np.exp(np.array([log_p[i, t] for i, t in enumerate(want)], np.float64))
    return len(ids), {"first": float(p[0]), "seq": float(np.exp(np.log(p).mean()))}


def main():
    m, rows = Model(sys.argv[1]), []
    for f in json.load(open(GOLDENS + "/facts.json")):
        prompt, target = f["prompt"].replace("{}", f["subject"]), f["target_new"]
        context = demonstrations() + "New Fact: %s %s\nPrompt: " % (prompt, target)
        tokens, after = score(m, context + prompt, target)
        rows.append({"before": score(m, prompt, target)[1], "after": after, "tokens": tokens})
    every = json.load(open(WHERE + "beside.json"))
    every["ike_k6"] = json.loads(json.dumps(rows), parse_float=lambda x: float("%.7g" % float(x)))
    print(json.dumps(every["ike_k6"]))
    with open(WHERE + "beside.json", "w") as out:
        line = lambda d: json.dumps(d, separators=(",", ":"))
        out.write("{" + ",\n".join('"%s":[\n' % k + ",\n".join(map(line, v)) + "\n]"
                                   for k, v in every.items()) + "}\n")


main()
