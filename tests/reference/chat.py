#!/usr/bin/env python3
"""Makes tests/data/chat/expected.json: chat templates rendered by Jinja, as transformers does.

The templates are beside it. smollm2 is the one in the default model's file (Apache-2.0); the
others are written again, as short as may be, in the form of their family."""
import glob
import json
import os

from jinja2 import BaseLoader
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

WHERE = "tests/data/chat"
USER = ["What is the capital of France?", "  Two\nlines, with blanks \n"]
SYSTEM = [None, "Answer with one word."]


def raise_exception(message):
    raise ValueError(message)


def render(text, user, system):
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, loader=BaseLoader(),
                                        extensions=[loopcontrols])
    env.globals["raise_exception"] = raise_exception
    messages = [{"role": "user", "content": user}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    return env.from_string(text).render(messages=messages, bos_token="<BOS>", eos_token="</s>",
                                        add_generation_prompt=True)


cases = []
for path in sorted(glob.glob(f"{WHERE}/*.jinja")):
    text = open(path).read()
    for user in USER:
        for system in SYSTEM:
            try:
                prompt = render(text, user, system)
            except ValueError:
                prompt = None
            cases.append({"template": os.path.basename(path)[:-6], "user": user, "system": system,
                          "prompt": prompt})
with open(f"{WHERE}/expected.json", "w") as out:
    json.dump(cases, out, indent=1, ensure_ascii=False)
    out.write("\n")
