#!/usr/bin/env python3
"""Writes samples/pararel/relations.jsonl from a copy of ParaRel.

    python3 tests/reference/relations.py PARAREL LAMA_RELATIONS > samples/pararel/relations.jsonl

PARAREL holds patterns/P*.jsonl and trex/P*.jsonl (github.com/yanaiela/pararel, MIT; its
data/pattern_data/graphs_json and data/trex_lms_vocab); LAMA_RELATIONS is LAMA's relations.jsonl.
Kept are the patterns that end with the object, and 40 facts a relation, evenly spaced. Questions
and other names are ours."""
import json
import os
import sys

OURS = {  # id: (question, other names)
    "P1001": ("Where does {} apply?", ["jurisdiction"]),
    "P101": ("In what field does {} work?", ["field", "expertise"]),
    "P103": ("What is the native language of {}?", ["mother tongue", "speaks"]),
    "P106": ("What is the occupation of {}?", ["job", "profession", "works as"]),
    "P108": ("Who employs {}?", ["works for", "employed by"]),
    "P127": ("Who owns {}?", ["owner"]),
    "P1303": ("What instrument does {} play?", ["plays instrument"]),
    "P131": ("Where is {} located?", ["located in", "region", "state"]),
    "P136": ("What genre does {} play?", ["style", "music genre"]),
    "P1376": ("Of what is {} the capital?", ["is capital of"]),
    "P138": ("After what is {} named?", ["namesake"]),
    "P140": ("What religion does {} follow?", ["faith"]),
    "P1412": ("What language did {} use?", ["language spoken", "communicated in"]),
    "P159": ("Where are the headquarters of {}?", ["headquarters", "based in"]),
    "P17": ("In what country is {}?", ["nation"]),
    "P176": ("Who makes {}?", ["maker", "produced by", "made by"]),
    "P178": ("Who developed {}?", ["developed by"]),
    "P19": ("Where was {} born?", ["birthplace", "born in"]),
    "P190": ("What is the twin city of {}?", ["twin city"]),
    "P20": ("Where did {} die?", ["died in"]),
    "P264": ("Which record label represents {}?", ["label"]),
    "P27": ("Of what country is {} a citizen?", ["citizenship", "citizen of", "nationality"]),
    "P276": ("Where is {}?", ["city", "place", "where"]),
    "P279": ("What is {} a kind of?", ["kind of", "type of"]),
    "P30": ("On what continent is {}?", []),
    "P36": ("What is the capital of {}?", ["capital city"]),
    "P361": ("What is {} part of?", []),
    "P364": ("What is the original language of {}?", ["film language", "original language"]),
    "P37": ("What is the official language of {}?", ["language"]),
    "P39": ("What position does {} hold?", ["position", "office"]),
    "P407": ("In what language was {} written?", ["written in", "language of work"]),
    "P413": ("In what position does {} play?", ["plays as", "team position"]),
    "P449": ("On what network did {} first air?", ["network", "aired on"]),
    "P463": ("What is {} a member of?", ["membership", "belongs to"]),
    "P47": ("What does {} share a border with?", ["borders", "neighbour"]),
    "P495": ("Where was {} created?", ["origin", "created in", "comes from"]),
    "P530": ("With whom does {} maintain diplomatic relations?", ["diplomacy"]),
    "P740": ("Where was {} founded?", ["founded in", "formed in"]),
    "P937": ("Where did {} work?", ["worked in", "workplace"]),
}

# Where ParaRel has too few for paraphrases beside the prompt and its rephrase: ours.
MORE = {
    "P103": ["The native language of {} is", "{} is a native speaker of"],
    "P127": ["The owner of {} is", "{} belongs to"],
    "P276": ["{} can be found in", "{} is situated in", "The location of {} is"],
    "P37": ["The official language spoken in {} is", "The language of {} is",
            "In {}, the official language is"],
    "P140": ["The religion of {} is", "{} follows the religion of"],
    "P190": ["{} is twinned with", "The twin city of {} is"],
    "P361": ["{} belongs to", "{} is one part of"],
    "P136": ["The genre of {} is", "The music played by {} is called"],
    "P413": ["The position of {} on the field is", "On the field, {} plays as"],
    "P1001": ["{} applies in", "{} is a legal term of"],
    "P1303": ["The instrument {} plays is the", "{} is known for playing the"],
    "P1412": ["The language {} speaks is", "{} writes in"],
}


def prompts(path, more):
    plain, clauses = [], []
    for line in open(path):
        text = " ".join(json.loads(line)["pattern"].split()).rstrip(" .")
        if not text.endswith("[Y]") or text.count("[X]") != 1:
            continue
        text = text[:-3].rstrip().replace("[X]", "{}")
        (clauses if "," in text else plain).append(text)
    seen = []
    return [t for t in plain + more + clauses if t not in seen and not seen.append(t)]


def facts(path, most=40):
    if not os.path.exists(path):
        return []
    all_ = [json.loads(line) for line in open(path)]
    pairs, subjects = [], set()
    for one in all_[:: max(1, len(all_) // (2 * most))]:
        subject, obj = one["sub_label"], one["obj_label"]
        if subject not in subjects and len(subject) < 40 and subject not in obj:
            subjects.add(subject)
            pairs.append([subject, obj])
    return pairs[:most]


def main():
    root, labels = sys.argv[1], {}
    for line in open(sys.argv[2]):
        one = json.loads(line)
        labels[one["relation"]] = one["label"]
    for p in sorted(OURS, key=lambda p: int(p[1:])):
        question, names = OURS[p]
        known = prompts(f"{root}/patterns/{p}.jsonl", MORE.get(p, []))
        if known:
            print(json.dumps({"id": p, "name": labels[p], "also": names, "question": question,
                              "prompts": known, "facts": facts(f"{root}/trex/{p}.jsonl")},
                             ensure_ascii=False))


main()
