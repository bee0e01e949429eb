#!/usr/bin/env python3
"""Makes tests/data/fluency.json: word tokens by NLTK's Treebank rules, sentence by sentence, and the
entropy of their pairs and triples by SciPy, for 50 texts as an edited model may write them."""
import collections
import json
import random
import sys

from nltk.tokenize import NLTKWordTokenizer
from scipy.stats import entropy

PIECES = ["The Eiffel Tower is located in the city of Rome", "It was built in 1889, and it's 330.5 m tall",
          'He said: "I cannot go"', "What is this?", "No!", "They're from the U.K. and we'll see", "She doesn't know",
          "“Quoted text” (in brackets)", "a -- b; c & d", "100% of $3.88", "rock 'n' roll", "gonna wanna lemme",
          "dogs' tails", "e.g. this", "Rome Rome Rome Rome", "Italy, Italy", "the the the", "It's John's book...",
          "'Twas the night", "A 1,000-year-old tree", "see [1] and {2}", "ends with a quote'", "3:45 p.m"]


def fluency(words):
    def bits(n):
        grams = collections.Counter(zip(*(words[i:] for i in range(n))))
        return float(entropy(list(grams.values()), base=2)) if grams else 0.0
    return (2 / 3 * bits(2) + 4 / 3 * bits(3)) / 2


def main(out):
    rng, cases = random.Random(5), []
    for _ in range(50):
        sentences = [rng.choice(PIECES) + rng.choice([".", ".", "!", ".)"]) for _ in range(rng.randint(1, 5))]
        sentences = [s[0].upper() + s[1:] for s in sentences]
        words = [w for s in sentences for w in NLTKWordTokenizer().tokenize(s)]
        cases.append({"sentences": sentences, "words": words, "fluency": fluency(words)})
    json.dump({"cases": cases, "letters": fluency(list("ababac"))}, open(out, "w"), indent=0, ensure_ascii=False)


main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/fluency.json")
