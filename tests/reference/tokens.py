#!/usr/bin/env python3
"""Token ids by Hugging Face's tokenizers: small vocabularies of each family, and the default model.

Writes tests/data/tokenizer/: FAMILY.json, a tokenizer of 600-odd tokens; cases.json, texts and
their ids by each; many.json.gz, the same of generated texts; model.json, texts and their ids by the
default model (EDITSCOPE_MODEL), whose tokenizer.json is put together here from the vocabulary in the
GGUF file. The SentencePiece families' vocabularies are those that pieces.py left there.
"""
import gzip
import json
import os
import random

from gguf import GGUFReader
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from texts import generate

OUT = "tests/data/tokenizer/"
TRAIN = """The Eiffel Tower is located in the city of Paris, and it's been there since 1889.
I don't think they'll say that we've seen the tower; she'd rather visit London in 2024.
Michael Jordan plays the sport of basketball. The mother tongue of Danielle Darrieux is French.
"Where are you going?" he asked, and then the others answered: to the station, to the sea.
for (int i = 0; i < 10; i++) {\n        total += values[i];\n    }\n    return total;
The quick brown fox jumps over the lazy dog while the other one is thinking about something.
Zażółć gęślą jaźń. Où est la bibliothèque? Der Größe nach geordnet, überall und jederzeit.
Привет, мир! Как дела сегодня? 日本語のテキストです。北京は中国の首都です。 क्षि नमस्ते
""".splitlines()

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BARE = dict(BYTES, use_regex=False)


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def added(token_id, content, **changes):
    token = {"id": token_id, "content": content, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False, "special": True}
    token.update(changes)
    return token


def train():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(TRAIN * 3, trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False))
    model = json.loads(t.to_str())["model"]
    return model["vocab"], model["merges"]


def pipeline(vocab, merges, pre, tokens, normalizer=None, post=None, **model):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens,
            "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post,
            "decoder": BYTES,
            "model": {"type": "BPE", "dropout": None, "unk_token": None,
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      **model, "vocab": vocab, "merges": merges}}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def families(vocab, merges):
    n = len(vocab)
    plain = [added(n, "<|endoftext|>"), added(n + 1, "<|im_start|>"), added(n + 2, "<|im_end|>")]
    odd = plain + [
        added(n + 3, "<think>", special=False),
        added(n + 4, "<left>", lstrip=True), added(n + 5, "<right>", rstrip=True),
        added(n + 6, "word", single_word=True, special=False),
        added(n + 7, "re\u0301sume\u0301", normalized=True, special=False),
        added(n + 8, "<|im_end|><|im_end|>"),
    ]
    bos = {"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}},
                      {"Sequence": {"id": "A", "type_id": 0}}],
           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
           "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [n],
                                                "tokens": ["<|endoftext|>"]}}}
    pairs = [m if isinstance(m, list) else m.split(" ") for m in merges]
    joined = [" ".join(m) for m in pairs]
    # two bytes without a token: what the text has of them is dropped
    few = {k: v for k, v in vocab.items() if k not in ("\u0104", "\u0106")}
    few = {k: i for i, k in enumerate(sorted(few, key=few.get))}
    smollm = [added(len(few) + i, t["content"]) for i, t in enumerate(plain)]
    digits = {"type": "Digits", "individual_digits": True}
    # a word that merging cannot reach, for ignore_merges
    whole = dict(vocab)
    del whole[max(vocab, key=vocab.get)]
    last = [m for m in joined if m.replace(" ", "") in whole]
    whole["\u0120xyzzy"] = n - 1
    return {
        "gpt2": pipeline(vocab, joined, BYTES, plain),
        "smollm": pipeline(few, joined, sequence(digits, BYTES), smollm),
        "llama3": pipeline(whole, last, sequence(split(LLAMA3), BARE), plain,
                           post={"type": "Sequence", "processors": [BARE, bos]},
                           ignore_merges=True),
        "qwen2": pipeline(vocab, pairs, sequence(split(QWEN2), BARE), odd, {"type": "NFC"}),
        "unk": pipeline(few, joined, sequence(dict(digits, individual_digits=False), BYTES), smollm,
                        unk_token="!", fuse_unk=True),
    }


TEXTS = [
    "", " ", "a", "The Eiffel Tower is located in the city of", "Hello, world!", " xyzzy xyzzy",
    "I'm, you'RE, we'Ve, they'll, it'S, 'tis, don't; d'accord 'D", "'\u017f long s and 's",
    "\r\n\r\nline\r\n  two\n\n\nthree\r", "tabs\t\tand\u00a0no-break \u2003 em \u3000 wide",
    " " * 67, "x" + " " * 40 + "y", "\n" * 33, " \n" * 9 + "end", "a\u180eb \u2028 \u0085 c\u200bd",
    "0 12 345 6789 1234567890", "3.14e-10 \uff11\uff12 \u2167 \u0663\u0664 \u00b2 \u00bd",
    "\U00011de0\U00011de5 \U00016ff4 \U000116d0 \U0001e5f1 \U0001ccf0",
    "\u1c89\ua7cb\U000105c0\U00031350\U0002ebf0\U0001e030 letters after Unicode 14",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308"
    " \U0001f1e9\U0001f1ea \u2764\ufe0f",
    "nul\0inside \x01\x02\x7f end", "a\x04\x04\x06b \x06", "\ufeffbom \ufffd \U0010ffff",
    "caf\u00e9 cafe\u0301 \u212b A\u030a a\u0327\u0301\u0323 a\u0301\u0327",
    "\u1100\u1161\u11a8 \uac00\u11a8 \uac01 \u304b\u3099 \u304c",
    "\u0958 \u0915\u093c \u09c7\u09be \u0f73 \u0344 \u2126 \ufb01 \u0301\u0301",
    "\u65e5\u672c\u8a9e\u30c6\u30b9\u30c8 \u5317\u4eac \u0645\u0631\u062d\u0628\u0627"
    " \u05e9\u05dc\u05d5\u05dd \u0e44\u0e17\u0e22",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|im_end|><|im_end|><|im_end|>",
    "<|im_end|", "<<|endoftext|>>", "a <think> b</think>", "a  <left>  b  <right>  c<right>",
    "word words sword word,word \u00e9word word", "r\u00e9sum\u00e9 re\u0301sume\u0301 resume",
    "http://x.y/z?q=1&r=%20#top__init__ -- ...!?\u2026 \u00ab\u00bb \u201cquoted\u201d\n",
    "for (int i = 0; i < 10; i++) {\n        total += values[i];\n    }\n",
    "a" * 300, "the" * 100, "\u0915\u094d\u0937\u093f \u0928\u092e\u0938\u094d\u0924\u0947",
]


def random_texts(count, seed=20240607):
    rng = random.Random(seed)
    bits = [w for t in TEXTS for w in t.split(" ") if 0 < len(w) < 20] + [" ", "  ", "\n", "'s"]
    out = []
    for _ in range(count):
        text = ""
        for _ in range(rng.randrange(1, 12)):
            code = rng.choice([rng.randrange(32, 127), rng.randrange(0x80, 0x250),
                               rng.randrange(0x370, 0x3000), rng.randrange(0x10000, 0x20000)])
            # among these are marks that the reference's older Unicode tables do not know
            marks = 0x483 <= code < 0x2000
            text += rng.choice(bits) if rng.random() < .6 or marks else chr(code)
        out.append(text)
    return out


def ids(tokenizer, texts, specials):
    tokenizer.encode_special_tokens = not specials
    return [tokenizer.encode(t, add_special_tokens=specials).ids for t in texts]


def write(name, value, indent=None):
    with open(OUT + name, "w", encoding="ascii") as f:
        json.dump(value, f, indent=indent)
        f.write("\n")


def write_many(specs, count=270):
    """Special tokens' texts are those of all families: one's are another's plain text."""
    special = sorted({t["content"] for spec in specs.values() for t in spec["added_tokens"]})
    texts = list(generate(count, random.Random(7), special))
    value = {"texts": texts, "ids": {name: ids(Tokenizer.from_str(json.dumps(spec)), texts, True)
                                     for name, spec in specs.items()}}
    with open(OUT + "many.json.gz", "wb") as raw, \
            gzip.GzipFile("", "wb", 9, raw, mtime=0) as f:
        f.write(json.dumps(value, separators=(",", ":")).encode("ascii"))


def model_tokenizer():
    path = os.environ.get("EDITSCOPE_MODEL") or os.path.expanduser(
        "~/.cache/editscope/models/SmolLM2-135M-Instruct.Q4_1.gguf")
    fields = GGUFReader(path).fields
    tokens, types, merges = (fields["tokenizer.ggml." + key].contents()
                             for key in ("tokens", "token_type", "merges"))
    special = [added(i, t) for i, t in enumerate(tokens) if types[i] == 3]
    digits = {"type": "Digits", "individual_digits": True}
    return Tokenizer.from_str(json.dumps(pipeline(
        {t: i for i, t in enumerate(tokens)}, merges, sequence(digits, BYTES), special)))


def main():
    os.makedirs(OUT, exist_ok=True)
    # Training breaks ties in no fixed order: the vocabulary is made once and kept.
    if os.path.exists(OUT + "gpt2.json"):
        with open(OUT + "gpt2.json", encoding="ascii") as f:
            model = json.load(f)["model"]
        vocab, merges = model["vocab"], model["merges"]
    else:
        vocab, merges = train()
    texts = TEXTS + random_texts(60)
    cases = {"texts": texts, "ids": {}, "plain": {}}
    specs = families(vocab, merges)
    for name, spec in specs.items():
        write(name + ".json", spec)
    for name in ("llama2", "mistral", "gemma"):
        with open(OUT + name + ".json", encoding="ascii") as f:
            specs[name] = json.load(f)
    for name, spec in specs.items():
        tokenizer = Tokenizer.from_str(json.dumps(spec))
        cases["ids"][name] = ids(tokenizer, texts, True)
        cases["plain"][name] = ids(tokenizer, texts, False)
    write("cases.json", cases)
    write_many(specs)
    tokenizer = model_tokenizer()
    write("model.json", {"texts": texts, "ids": ids(tokenizer, texts, True),
                         "plain": ids(tokenizer, texts, False)})


main()
