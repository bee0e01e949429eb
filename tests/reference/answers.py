#!/usr/bin/env python3
"""Makes tests/data/answers.json: texts as generated answers are compared, by SQuAD's normalisation
(which EasyEdit's exact match uses too), and whether pairs are equal or contain each other."""
import json
import random
import re
import string
import sys

WORDS = ["the", "The", "a", "An", "an", "THE", "Rome", "rome", "New", "York", "city", "Éire", "straße", "İzmir",
         "naïve", "the_end", "A.", "U.S.", "can't", "“quoted”", "–", "ΑΘΗΝΑ", "東京", "1,000", "3.14", "a-b", "theatre",
         "Thé", "½", "no\u00a0break", "x\u2003y", "e\u0301a", "a\u0301", "(the)", "'an'", "...", "\t", "\n"]


def normalised(text):
    text = text.lower()
    text = "".join(c for c in text if c not in set(string.punctuation))
    text = re.sub(r"\b(a|an|the)\b", " ", text)
    return " ".join(text.split())


def contains(said, wanted):
    a, b = normalised(said), normalised(wanted)
    return bool(b) and f" {b} " in f" {a} "


def main(out):
    rng = random.Random(3)
    cases = []
    for _ in range(60):
        said = rng.choice(["", " "]).join(rng.choice(WORDS) for _ in range(rng.randint(0, 7)))
        said = " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 7))) if rng.random() < 0.7 else said
        words = said.split()
        wanted = rng.choice([said.upper(), " ".join(words[1:3]), rng.choice(WORDS), "the " + said, " ".join(words[:2])])
        if "İ" in said or "Σ" in wanted:  # one code becomes two, or depends on its place
            said, wanted = said.replace("İ", "I"), wanted.replace("İ", "I")
        cases.append({"said": said, "wanted": wanted, "normalised": normalised(said),
                      "equal": normalised(said) == normalised(wanted), "contains": contains(said, wanted)})
    json.dump(cases, open(out, "w"), indent=0)


main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/answers.json")
