#!/usr/bin/env python3
"""Small vocabularies as SentencePiece trains them, in the shapes that Llama-2, Mistral and Gemma have.

    tests/reference/pieces.py [FOLDER [TOKENS [TEXT…]]]

Writes FOLDER (tests/data/tokenizer) llama2.json, mistral.json, gemma.json and, with the scores in
place of merges, llama2.gguf and gemma.gguf, which hold nothing but a vocabulary.
"""
import io
import json
import os
import sys

import gguf
import sentencepiece
from transformers.convert_slow_tokenizer import generate_merges

BLANK = "\u2581"
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)
SPECIAL = {"llama2": ["<unk>", "<s>", "</s>"], "gemma": ["<pad>", "<eos>", "<bos>", "<unk>"]}


def train(lines, tokens, family):
    """[(piece, score, type)] of a BPE model with bytes to fall back to."""
    out = io.BytesIO()
    special = SPECIAL[family]
    place = {name: special.index(text) for name, text in
             {"unk": "<unk>", "bos": special[1 if family == "llama2" else 2],
              "eos": special[2 if family == "llama2" else 1]}.items()}
    user = ["<start_of_turn>", "<end_of_turn>", "\n\n", "\n\n\n",
            *(BLANK * n for n in range(2, 32 if tokens > 2000 else 9))] if family == "gemma" else []
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, model_type="bpe", vocab_size=tokens,
        byte_fallback=True, character_coverage=.995, normalization_rule_name="identity",
        remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True,
        add_dummy_prefix=family == "llama2", num_threads=1, user_defined_symbols=user,
        unk_id=place["unk"], bos_id=place["bos"], eos_id=place["eos"],
        pad_id=0 if family == "gemma" else -1, unk_piece="<unk>",
        bos_piece=special[place["bos"]], eos_piece=special[place["eos"]], minloglevel=2)
    p = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())

    def kind(i):
        return (BYTE if p.is_byte(i) else UNKNOWN if p.is_unknown(i) else CONTROL if p.is_control(i)
                else UNUSED if p.is_unused(i) else USER if p.id_to_piece(i) in user else NORMAL)

    return [(p.id_to_piece(i), p.get_score(i), kind(i)) for i in range(p.get_piece_size())]


def added(token_id, content, special=True):
    return {"id": token_id, "content": content, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": special}


def whole(pieces, normalizer, pre, strip, bos, pairs):
    vocab = {piece: i for i, (piece, _, _) in enumerate(pieces)}
    # those that users define score highest: of Gemma's runs of blanks each is a merge
    mergeable = (NORMAL, UNUSED, USER)
    scores = {piece: score for piece, score, kind in pieces if kind in mergeable}
    merges = generate_merges(vocab, scores, [p for p, _, kind in pieces if kind not in mergeable])
    decoders = [{"type": "Replace", "pattern": {"String": BLANK}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"}]
    if strip:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    item = {"SpecialToken": {"id": bos, "type_id": 0}}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [added(i, p, kind != USER) for i, (p, _, kind) in enumerate(pieces)
                             if kind in (UNKNOWN, CONTROL, USER)],
            "normalizer": normalizer, "pre_tokenizer": pre,
            "post_processor": {"type": "TemplateProcessing",
                               "single": [item, {"Sequence": {"id": "A", "type_id": 0}}],
                               "pair": [item, {"Sequence": {"id": "A", "type_id": 0}}, item,
                                        {"Sequence": {"id": "B", "type_id": 1}}],
                               "special_tokens": {bos: {"id": bos, "ids": [vocab[bos]],
                                                        "tokens": [bos]}}},
            "decoder": {"type": "Sequence", "decoders": decoders},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>",
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": vocab, "merges": [list(m) if pairs else " ".join(m) for m in merges]}}


def write_gguf(path, pieces, bos, eos, prefix):
    w = gguf.GGUFWriter(path, "llama")
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    # user-defined tokens are looked for in the text as it is: with spaces
    w.add_token_list([p.replace(BLANK, " ") if kind == USER else p for p, _, kind in pieces])
    w.add_token_scores([score for _, score, _ in pieces])
    w.add_token_types([kind for _, _, kind in pieces])
    w.add_bos_token_id(bos)
    w.add_eos_token_id(eos)
    w.add_unk_token_id(next(i for i, p in enumerate(pieces) if p[2] == UNKNOWN))
    w.add_add_space_prefix(prefix)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else "tests/data/tokenizer"
    tokens = int(sys.argv[2]) if len(sys.argv) > 2 else 620
    texts = sys.argv[3:] or ["samples/text/wikitext2-test.txt"]
    lines = [line for path in texts for line in open(path, encoding="utf-8").read().splitlines() if line]
    llama, gemma = train(lines, tokens, "llama2"), train(lines, tokens, "gemma")
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": BLANK}
    prepend = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": BLANK}, replace]}
    first = {"type": "Metaspace", "replacement": BLANK, "prepend_scheme": "first", "split": False}
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
             "invert": False}
    # Gemma's file has a token for the tabulator where its byte was
    tab = [("\t", s, NORMAL) if p == "<0x09>" else (p, s, k) for p, s, k in gemma]
    for name, spec in {"llama2": whole(llama, prepend, None, True, "<s>", False),
                       "mistral": whole(llama, None, first, True, "<s>", True),
                       "gemma": whole(tab, replace, split, False, "<bos>", True)}.items():
        with open(f"{out}/{name}.json", "w", encoding="ascii") as f:
            json.dump(spec, f, separators=(",", ":"))
            f.write("\n")
    write_gguf(f"{out}/llama2.gguf", llama, 1, 2, True)
    write_gguf(f"{out}/gemma.gguf", gemma, 2, 1, False)
    for name in ("llama2.gguf", "gemma.gguf"):
        print(name, os.path.getsize(f"{out}/{name}"))


main()
