#!/usr/bin/env python3
"""Makes tests/data/tasks.json: what ability tasks ask and take from answers, by lm-evaluation-harness 0.4.13's
rules restated with Python's regular expressions; ids of continuations by tokenizers; log-likelihoods by transformers.

    tests/reference/tasks.py [OUT]            where the package lm_eval is installed, its own filters and
                                              templates are run on the same cases and must agree
"""
import csv
import glob
import hashlib
import json
import os
import random
import re
import string
import sys
import unicodedata

import regex
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM
from word2number import w2n

DATA = "samples/data"
INVALID = "[invalid]"
PUNCTUATION = dict.fromkeys(i for i in range(sys.maxunicode) if unicodedata.category(chr(i)).startswith("P"))
TEENS = r"(?:twen|thir|for|fif|six|seven|nine)"
UNIT = r"zero|one|two|three|four|five|%s|%s|ten|eleven|twelve|fourteen|hundred|thousand|(?:m|b|tr)illion"
MUST, MAY = TEENS + r"(?:teen|ty)", TEENS + r"(?:|teen|ty)"
NUMBER = regex.compile("((?:(?:%s)(?:%s|[^\\S\r\n]|,|and|&)+)?(?:%s))" % (
    UNIT % (MUST, r"eight(?:|een|y)"), UNIT % (MAY, r"eight(?:een|y)"), UNIT % (MUST, r"eight(?:een|y)")))
WORDS = {"bool": r"\b(True|False)\b", "yesno": r"\b(Yes|No|yes|no)\b", "valid": r"\b(valid|invalid)\b"}
MAPS = {"sports": [(r"\b(no|not plausible)\b", "no"), (r"\b(yes|plausible)\b", "yes")],
        "lies": [(r"\b(no|does not tell the truth|is not telling the truth)\b", "no"),
                 (r"\b(yes|tells the truth|is telling the truth)\b", "yes")]}
DYCK = r'(?<= )([" \[\(<{}>\)\]]+)|([" \[\(<{}>\)\]]+)'
SUBTASK = {"bool": "boolean_expressions", "yesno": "navigate", "valid": "formal_fallacies", "sports": "sports_understanding",
           "lies": "web_of_lies", "choice": "ruin_names", "number": "object_counting", "dyck": "dyck_languages",
           "words": "word_sorting"}


def found(pattern, text, at=0):
    match = re.findall(pattern, text)
    if not match:
        return None
    match = match[at]
    if isinstance(match, tuple):
        match = next(m for m in match if m)
    return match.strip()


def mapped(rows, said):
    said = said.lower()
    first = re.search("|".join(r for r, _ in rows), said)
    return next((v for r, v in rows if first and re.search(r, first.group(0))), INVALID)


def chosen(said, question):
    first = found(r"(\([A-Z]\))", said)
    if first:
        return first
    letter, options = {}, []
    for i, option in enumerate(re.findall(r"\([A-Z]\)([^\n^(]*)", question)):
        option = option.strip().lower().translate(PUNCTUATION)
        letter[option] = f"({chr(65 + i)})"
        options.append(option)
    pattern = "|".join(re.escape(o) for o in sorted(options, key=len, reverse=True))
    text = re.search(pattern, said.lower().translate(PUNCTUATION))
    text = text.group(0).strip() if text else ""
    if text:
        return letter.get(text, text)
    colon = re.search(r":[\s]*(" + "|".join(chr(65 + i) for i in range(len(options))) + ")", said)
    return f"({colon.group(1)})" if colon and colon.group(1) else INVALID


def counted(said):
    digits = found(r"([-0-9]+)", said)
    if digits:
        return digits
    words = NUMBER.search(said.lower())
    try:
        return str(w2n.word_to_num(words.group(1).strip())) if words else INVALID
    except (ValueError, IndexError):
        return INVALID


def ordered(said, question):
    words = question.split("List:")[1].strip().split()
    seen = re.findall("|".join(rf"\b{w}\b" for w in words), said)
    last = {w: i for i, w in enumerate(seen)}
    return " ".join(sorted(last, key=last.get))


def extracted(kind, said, question):
    if kind in WORDS:
        return found(WORDS[kind], said) or INVALID
    if kind in MAPS:
        return mapped(MAPS[kind], said)
    if kind == "dyck":
        match = found(DYCK, said)
        return INVALID if match is None else match
    return {"choice": lambda: chosen(said, question), "number": lambda: counted(said),
            "words": lambda: ordered(said, question)}[kind]()


def cleaned(text, removed):
    for pattern in removed:
        text = re.sub(pattern, "", text)
    return text.lower()


def bbh_equal(a, b):
    removed = [r"\.$", ",", "\n", r"\\", '"']
    return cleaned(a, removed) == cleaned(b, removed)


def gsm8k_equal(a, b):
    removed = [",", r"\$", "(?s).*#### ", r"\.$"]
    return cleaned(a, removed) == cleaned(b, removed)


def letters_equal(a, b):
    table = str.maketrans("", "", string.punctuation)
    return a.lower().translate(table) == b.lower().translate(table)


# ---- generated answers ----

PIECES = {
    "bool": ["True", "False", "true", "Falsey", "not True", "TrueFalse", "_True", "True.", "so", "é", "1"],
    "yesno": ["Yes", "No", "yes", "no", "YES", "Nobody", "know", "No!", "yes,", "noé", "I think", "\n"],
    "valid": ["valid", "invalid", "Valid", "validity", "is", "not", "invalid.", "-valid-", "The argument"],
    "sports": ["no", "No", "not plausible", "Not plausible", "plausible", "implausible", "yes", "YES.", "It is", "noon"],
    "lies": ["no", "yes", "tells the truth", "does not tell the truth", "is telling the truth", "Is not telling the truth",
             "lies", "Jo", "tells  the truth", "No.", "knows"],
    "number": ["three", "six", "twenty six", "seventy", "eight", "eighteen", "one hundred and five", "two thousand, three hundred",
               "fourteen", "ninety-nine", "a", "million", "five million two thousand", "so", "nine", "and", "&", "twenty",
               "thousand five", "forty two", "\n", "hundred", "12", "-7", "3-4", "billion", "thirty", "one", "\u00a0two"],
    "dyck": ["]", "} )", "> ] )", " ", '"', "the", "answer is", "]]", "(", "\n", "x)", "< >"],
}
OPTIONS = ["the beatles", "The Beatles, again", "star wars", "star wars: episode", "a", "“quoted”", "naïve (sic)", "- dash", "2 + 2",
           "rain man", "rainman", "ÉCOLE", "I", "red", "reddish", "!?"]


def sentence(rng, pieces, most=6):
    return rng.choice(["", " "]) + rng.choice([" ", " ", ", ", ""]).join(rng.choice(pieces) for _ in range(rng.randint(0, most)))


def choice_case(rng):
    options = rng.sample(OPTIONS, rng.randint(2, 5))
    question = "Which one?\nOptions:\n" + "\n".join(f"({chr(65 + i)}) {o}" for i, o in enumerate(options))
    pieces = options + [o.upper() for o in options] + ["The answer is", ": B", ":\nC", "(B)", "(b)", "B", "(A", ": Z", "-", "and"]
    if rng.random() < .6:
        pieces = [p for p in pieces if p != "(B)"]
    return sentence(rng, pieces, 4), question, f"({chr(65 + rng.randrange(len(options)))})"


def words_case(rng):
    words = rng.sample(["apple", "can't", "r&d", "app", "zoo", "it", "they've", "they", "a", "naïve"], rng.randint(3, 7))
    said = sentence(rng, words + ["the list:", "Apple", "apples", "\n", "zoo."], 9)
    return said, "Sort the following words alphabetically: List: " + " ".join(words), " ".join(sorted(words))


def bbh_case(rng, kind):
    if kind == "choice":
        return choice_case(rng)
    if kind == "words":
        return words_case(rng)
    said = sentence(rng, PIECES[kind])
    gold = {"bool": "True", "yesno": "No", "valid": "invalid", "sports": "no", "lies": "Yes", "number": "26", "dyck": "] )"}[kind]
    return said, "?", rng.choice([gold, extracted(kind, said, "?")])


def filters(rng):
    cases = []
    for kind in SUBTASK:
        for _ in range(50):
            said, question, gold = bbh_case(rng, kind)
            got = extracted(kind, said, question)
            cases.append({"task": "bbh_zeroshot", "kind": kind, "subtask": SUBTASK[kind], "said": said, "question": question,
                          "gold": gold, "predicted": got, "right": bbh_equal(got, gold)})
    pieces = ["#### ", "####", "18", "-18", "$1,800", "3.50", "18.", "-", ".", "is", "\n", "#### 18", "1,800 eggs", "$", "#### -5,000.",
              "72%", "a-3", "٣"]
    for _ in range(50):
        said = sentence(rng, pieces, 8)
        gold = "She sells 3 * 6 = $<<3*6=18>>18.\n#### " + rng.choice(["18", "1,800", "-5,000", "3.50"])
        strict = found(r"#### (\-?[0-9\.\,]+)", said) or INVALID
        last = found(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", said, -1) or INVALID
        cases.append({"task": "gsm8k", "said": said, "gold": gold, "predicted": last, "right": gsm8k_equal(last, gold),
                      "strict": gsm8k_equal(strict, gold)})
    for _ in range(50):
        said = sentence(rng, ["A", "B", " b", "(B)", "B.", "\n", "C", "\u00a0", "b!", "Answer", "\t", "\u2003B"], 3)
        first = found(r"^(.*?)\s*$", found(r"^(.*?)(?=\n|$)", said))
        cases.append({"task": "mmlu_generative", "said": said, "gold": "B", "predicted": first, "right": letters_equal(first, "B")})
    return cases


# ---- programs ----

STOPS = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]
LITERAL = re.compile(r"'''(?:\\.|(?!''').)*'''|\"\"\"(?:\\.|(?!\"\"\").)*\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|#[^\n]*", re.S)


def balanced(body):
    body = LITERAL.sub("", body)
    pairs, stack = dict(zip(")]}", "([{")), []
    for c in body:
        if c in "\"'" or (c in pairs and (not stack or stack.pop() != pairs[c])):
            return False
        if c in "([{":
            stack.append(c)
    return not stack


def programs(rng):
    pieces = ["    return [x for x in y]\n", "    return (1\n", "def f():\n", "\nclass A:\n", "# note (\n", "\n# note\n", "    s = 'a)'\n",
              "    s = \"it's\"\n", "    s = 'x\n", "    \"\"\"a\n'b\"\"\"\n", "\nif __name__:\n", "    if x:\n", "        print(x)\n",
              "\nprint(f(1))\n", "    return {1: ']'}\n", "])\n", "    t = '\\''\n", "\n", "    '''x\n"]
    cases = []
    for _ in range(50):
        raw = "".join(rng.choice(pieces) for _ in range(rng.randint(0, 5)))
        body = raw
        for stop in STOPS:
            body = body.split(stop)[0]
        cases.append({"raw": raw, "body": body, "balanced": balanced(body)})
    return cases


# ---- prompts ----

def bbh_descriptions():
    """Of the harness's files, by subtask; kept in the test data."""
    deduction = "A logical deduction task which requires deducing the order of a sequence of objects."
    swaps = ("A task requiring determining the final positions of a set of objects given their initial positions and a "
             "description of a sequence of swaps.")
    out = {
        "boolean_expressions": "Evaluate the result of a random Boolean expression.",
        "causal_judgement": "Answer questions about causal attribution.",
        "date_understanding": "Infer the date from context.",
        "disambiguation_qa": "Clarify the meaning of sentences with ambiguous pronouns.",
        "dyck_languages": "Correctly close a Dyck-n word.",
        "formal_fallacies": "Distinguish deductively valid arguments from formal fallacies.",
        "geometric_shapes": "Name geometric shapes from their SVG paths.",
        "hyperbaton": "Order adjectives correctly in English sentences.",
        "movie_recommendation": "Recommend movies similar to the given list of movies.",
        "multistep_arithmetic_two": "Solve multi-step arithmetic problems.",
        "navigate": "Given a series of navigation instructions, determine whether one would end up back at the starting point.",
        "object_counting": "Questions that involve enumerating objects and asking the model to count them.",
        "penguins_in_a_table": "Answer questions about a table of penguins and their attributes.",
        "reasoning_about_colored_objects": "Answer extremely simple questions about the colors of objects on a surface.",
        "ruin_names": "Select the humorous edit that 'ruins' the input movie or musical artist name.",
        "salient_translation_error_detection": "Detect the type of error in an English translation of a German source sentence.",
        "snarks": "Determine which of two sentences is sarcastic.\n\nAccording to Cambridge University Dictionary, sarcasm is \"the use of "
                  "remarks that clearly mean the opposite of what they say, made in order to hurt someone's feelings or to criticize "
                  "something in a humorous way.\" Sarcastic sentences often contain satirical or ironic utterances, hyperboles, "
                  "ambivalent or witty remarks.",
        "sports_understanding": "Determine whether an artificially constructed sentence relating to sports is plausible or not.",
        "temporal_sequences": "Task description: Answer questions about which times certain events could have occurred.",
        "web_of_lies": "Evaluate a random boolean function expressed as a word problem.",
        "word_sorting": "Sort a list of words.",
    }
    for n in ("three", "five", "seven"):
        out[f"logical_deduction_{n}_objects"] = deduction
        out[f"tracking_shuffled_objects_{n}_objects"] = swaps
    return out


def mmlu():
    for path in sorted(glob.glob(f"{DATA}/mmlu/test/*.csv")):
        subject = os.path.basename(path)[:-len("_test.csv")]
        for i, row in enumerate(csv.reader(open(path, newline="", encoding="utf-8"))):
            yield subject, i + 1, row[0], row[1:5], "ABCD".index(row[5])


def lines(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def letters(question, options):
    return question + "".join(f"\n{chr(65 + i)}. {o}" for i, o in enumerate(options)) + "\nAnswer:"


def prompts():
    """(task, subtask, index, context, what continues it)"""
    out = []
    for subject, i, question, options, gold in mmlu():
        head = f"The following are multiple choice questions (with answers) about {subject.replace('_', ' ')}.\n\n"
        q = question.strip()
        out.append(("mmlu", subject, i, head + letters(q, options), [f" {c}" for c in "ABCD"]))
        out.append(("mmlu_generative", subject, i, head + letters(q, options), []))
        out.append(("mmlu_cloze", subject, i, f"Question: {q}\nAnswer:", [f" {o}" for o in options]))
    for i, record in enumerate(lines(f"{DATA}/commonsense_qa/own.jsonl")):
        q, options = record["question"]["stem"].strip(), [c["text"] for c in record["question"]["choices"]]
        out.append(("commonsense_qa", "", i + 1, letters(f"Question: {q}", options), [f" {c}" for c in "ABCDE"]))
        out.append(("commonsense_qa_cloze", "", i + 1, f"Question: {q}\nAnswer:", [f" {o}" for o in options]))
    shots = "".join(f"Question: {r['question']}\nAnswer: {r['answer']}\n\n" for r in lines(f"{DATA}/gsm8k/train.jsonl")[:5])
    for i, record in enumerate(lines(f"{DATA}/gsm8k/test.jsonl")):
        out.append(("gsm8k", "", i + 1, f"{shots}Question: {record['question']}\nAnswer:", []))
    for subtask, description in bbh_descriptions().items():
        for i, record in enumerate(json.load(open(f"{DATA}/bbh/{subtask}.json", encoding="utf-8"))["examples"]):
            out.append(("bbh_zeroshot", subtask, i + 1, f"{description}\n\nQ: {record['input']}\nA:", []))
    for i, record in enumerate(lines(f"{DATA}/humaneval/HumanEval.jsonl")):
        out.append(("humaneval", "", i + 1, record["prompt"], []))
    return out


def digest(context, continuations):
    return hashlib.sha256("\0".join([context, *continuations]).encode()).hexdigest()[:16]


# ---- ids and log-likelihoods ----

def encode_pair(tokenizer, context, continuation):
    spaces = len(context) - len(context.rstrip())
    if spaces:
        continuation, context = context[-spaces:] + continuation, context[:-spaces]
    whole, alone = tokenizer.encode(context + continuation).ids, tokenizer.encode(context).ids
    return alone, whole[len(alone):]


def continuations(rng, asked):
    cases = []
    for name in ("llama2", "gpt2", "qwen2", "gemma", "llama3"):
        tokenizer = Tokenizer.from_file(f"tests/data/tokenizer/{name}.json")
        for _ in range(10):
            _, _, _, context, options = rng.choice([p for p in asked if p[4]])
            context = context[-rng.randint(10, 50):] + rng.choice(["", "", " ", "  "])
            option = rng.choice(options)[:24]
            alone, more = encode_pair(tokenizer, context, option)
            cases.append({"tokenizer": name, "context": context, "option": option, "prompt": alone, "ids": more})
    return cases


def logps():
    folder = "tests/data/architectures/llama3"
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    cases = []
    for question, options in (("Is it so?", ["yes", "no", "it may"]), ("Who came?", ["Lily", "a dog", "Tom", "the sun"]),
                              ("Up or", ["down", "up"]), ("A long one is asked here to see what is cut off at its front, now?", ["x", "yz"]),
                              ("Which of them?", ["", ""])):  # one token each: a blank
        row = []
        for option in options:
            alone, more = encode_pair(tokenizer, f"Question: {question}\nAnswer:", f" {option}")
            ids = (alone + more)[-model.config.max_position_embeddings:]
            with torch.no_grad():
                p = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
            n = len(ids) - len(more)
            row.append(sum(p[n - 1 + k, t].item() for k, t in enumerate(more)))
        cases.append({"question": question, "options": options, "logps": row})
    return cases


def errors(rng):
    """Pooled standard errors of groups, as the harness's pooled_sample_stderr."""
    cases = []
    for _ in range(10):
        groups = [[float(rng.random() < .4) for _ in range(rng.randint(2, 9))] for _ in range(rng.randint(1, 5))]
        sizes = [len(g) for g in groups]
        means = [sum(g) / len(g) for g in groups]
        stderrs = [(sum((x - m) ** 2 for x in g) / (len(g) - 1)) ** .5 / len(g) ** .5 for g, m in zip(groups, means)]
        pooled = sum((n - 1) * s ** 2 * n for n, s in zip(sizes, stderrs)) / (sum(sizes) - len(sizes))
        cases.append({"groups": groups, "value": sum(m * n for m, n in zip(means, sizes)) / sum(sizes),
                      "error": (pooled / sum(sizes)) ** .5})
    return cases


# ---- the harness itself ----

def check_filters(cases):
    from lm_eval.filters.extraction import RegexFilter
    from lm_eval.tasks.bbh.zeroshot import utils
    of_kind = {"choice": utils.MultiChoiceRegexFilter(regex_pattern=r"(\([A-Z]\))", ignore_case=True, ignore_punctuation=True),
               "number": utils.NumberParseRegexFilter(regex_pattern="([-0-9]+)"), "words": utils.WordSortFilter(),
               "dyck": RegexFilter(regex_pattern=DYCK)}
    of_kind.update({k: RegexFilter(regex_pattern=p) for k, p in WORDS.items()})
    of_kind.update({k: utils.MapRegexFilter(regex_pattern_to_value=dict(r), ignore_case=True) for k, r in MAPS.items()})
    of_task = {"gsm8k": RegexFilter(regex_pattern="(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)}
    agree = 0
    for c in cases:
        f = of_kind[c["kind"]] if "kind" in c else of_task.get(c["task"])
        if not f:
            continue
        try:
            got = list(f.apply([[c["said"]]], [{"input": c.get("question", "")}]))[0][0]
        except (ValueError, IndexError):  # a number in words that word2number refuses
            got = INVALID
        assert got == c["predicted"], (c, got)
        agree += 1
    return agree


def check_templates(asked):
    import lm_eval
    import yaml
    from jinja2 import Environment

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: suffix)
    root, env, agree = os.path.dirname(lm_eval.__file__) + "/tasks", Environment(keep_trailing_newline=True), 0
    for task, subtask, index, context, _ in asked:
        if task == "bbh_zeroshot":
            y = yaml.load(open(f"{root}/bbh/zeroshot/{subtask}.yaml"), Loader)
            doc = json.load(open(f"{DATA}/bbh/{subtask}.json"))["examples"][index - 1]
        elif task in ("mmlu", "mmlu_generative"):
            y = yaml.load(open(f"{root}/mmlu/default/mmlu_{subtask}.yaml"), Loader)
            y["doc_to_text"] = yaml.load(open(f"{root}/mmlu/default/_default_template_yaml"), Loader)["doc_to_text"]
            row = list(csv.reader(open(f"{DATA}/mmlu/test/{subtask}_test.csv", newline="")))[index - 1]
            doc = {"question": row[0], "choices": row[1:5]}
        elif task == "commonsense_qa":
            y = yaml.load(open(f"{root}/commonsense_qa/default.yaml"), Loader)
            q = lines(f"{DATA}/commonsense_qa/own.jsonl")[index - 1]["question"]
            doc = {"question": q["stem"], "choices": {"text": [c["text"] for c in q["choices"]]}}
        else:
            continue
        want = y.get("description", "") + env.from_string(y["doc_to_text"]).render(**doc)
        assert want == context, (want, context)
        agree += 1
    return agree


def main(out):
    rng = random.Random(17)
    asked = prompts()
    data = {"filters": filters(rng), "programs": programs(rng),
            "prompts": [{"task": t, "subtask": s, "index": i, "digest": digest(c, o)} for t, s, i, c, o in asked if t != "mmlu_generative"],
            "continuations": continuations(rng, asked), "logps": logps(), "errors": errors(rng)}
    try:
        import lm_eval  # noqa: F401
    except ImportError:
        print("lm_eval is not installed: its own filters were not run")
    else:
        print(f"lm_eval agrees on {check_filters(data['filters'])} answers and {check_templates(asked)} prompts")
    with open(out, "w", encoding="utf-8") as f:
        f.write("{" + ",\n".join(f'"{k}": [\n' + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in v) + "\n]"
                                 for k, v in data.items()) + "}\n")


main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/tasks.json")
