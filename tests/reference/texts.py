"""Texts that tokenizers stumble over, for tokens.py and many.py."""

WORDS = """The Eiffel Tower is located in the city of Paris and it's been there since 1889 I'm you'RE we'Ve
they'll it'S 'tis don't d'accord 'D o'clock CAN'T Zażółć gęślą jaźń Où bibliothèque Größe Привет мир
日本語 北京 क्षि नमस्ते مرحبا שלום ไทย 한국어 Tiếng_Việt x=1; i++ </div> {} [] http://x.y/z?q=1&r=%20 __init__
3.14e-10 1,234,567 0x1F 2024-06-07 ½ ² Ⅷ １２ ٣٤ ... !? « » “ ” — … # $ % & ( ) * + - / : ; < = > @""".split()
BLANKS = [" ", "  ", "   ", " " * 7, " " * 33, "\n", "\n\n", "\r\n", "\r\n\r\n", "\t", "\t\t", " \n", "\n ",
          "\u00a0", "\u2003", "\u3000", "\u180e", "\u2028", "\u0085", "\u200b", "\x0b", "\x0c", "\u1680",
          "\u202f", "\u205f", "\ufeff", "\u2581", "\u2581\u2581", " \u2581"]
# what Unicode 15 and 16 added among letters and numbers, and what Rust counts beyond that
NEW = [(0x1c89, 0x1c8a), (0xa7cb, 0xa7cd), (0xa7da, 0xa7dc), (0x105c0, 0x105f3), (0x10d40, 0x10d85),
       (0x10ec2, 0x10ec4), (0x1123f, 0x11240), (0x11380, 0x113d3), (0x116d0, 0x116e3), (0x11bc0, 0x11be0),
       (0x11bf0, 0x11bf9), (0x11f02, 0x11f59), (0x1342f, 0x13446), (0x13460, 0x143fa), (0x16100, 0x16139),
       (0x16d40, 0x16d79), (0x18cff, 0x18cff), (0x1b132, 0x1b155), (0x1ccf0, 0x1ccf9), (0x1d2c0, 0x1d2d3),
       (0x1df25, 0x1df2a), (0x1e030, 0x1e06d), (0x1e4d0, 0x1e4f9), (0x1e5d0, 0x1e5fa), (0x2b739, 0x2b739),
       (0x2ebf0, 0x2ee5d), (0x31350, 0x323af), (0x11de0, 0x11de9), (0x16ff4, 0x16ff6)]
EMOJI = ["\U0001f600", "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\u2764\ufe0f",
         "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd", "\u263a"]
# marks whose class every Unicode since 6 knows: newer ones are where NFC implementations differ
MARKS = ["\u0301", "\u0300", "\u0327", "\u0323", "\u030a", "\u0308", "\u093c", "\u3099", "\u0651"]
QUOTED = ["'s", "'S", "'\u017f", "'LL", "'ll", "'Ve", "'t", "'T", "\u2019s", "''", "'m", "'Re", "'d"]
BYTES = ["<0x0A>", "<0xFF>", "<0x-1>", "<unk>", "\x00", "\x01", "\x7f", "\ufffd", "\U0010ffff", "\U000e0041"]


def letter(rng):
    """Any character of a plane in use; old combining marks stay out, as those of NFC's own tests are
    compared elsewhere."""
    while True:
        low, high = rng.choice([(32, 126), (32, 126), (0xa1, 0x2ff), (0x370, 0x482), (0x48a, 0x58f),
                                (0x5d0, 0x5ea), (0x620, 0x64a), (0x904, 0x939), (0xe01, 0xe30),
                                (0x10a0, 0x10ff), (0x1100, 0x11ff), (0x1e00, 0x1fff), (0x2010, 0x2bff),
                                (0x3041, 0x3096), (0x30a1, 0x30fa), (0x4e00, 0x9fff), (0xac00, 0xd7a3),
                                (0xf900, 0xfaff), (0xff00, 0xffef), (0x10000, 0x100fa),
                                (0x10300, 0x1034a), (0x12000, 0x12399), (0x1d400, 0x1d7ff),
                                (0x1f000, 0x1faff), (0x20000, 0x2a6df), (0xe000, 0xe0ff)])
        return chr(rng.randint(low, high))


def part(rng, special):
    kind = rng.random()
    if kind < .30:
        return rng.choice(WORDS)
    if kind < .50:
        return rng.choice(BLANKS)
    if kind < .60:
        return "".join(letter(rng) for _ in range(rng.randint(1, 6)))
    if kind < .66:
        return "".join(chr(rng.randint(*rng.choice(NEW))) for _ in range(rng.randint(1, 3)))
    if kind < .72:
        return rng.choice("aeoucn") + "".join(rng.sample(MARKS, rng.randint(1, 3)))
    if kind < .78:
        return rng.choice(EMOJI)
    if kind < .84:
        return rng.choice(QUOTED)
    if kind < .88:
        return rng.choice("a1 .\n▁") * rng.randint(2, 40)
    if kind < .91:
        return rng.choice(BYTES)
    if kind < .94 and special:
        text = rng.choice(special)
        return text if rng.random() < .8 else text[: rng.randint(0, len(text))]
    return " " + rng.choice(WORDS)


def generate(count, rng, special):
    """`count` texts of 0 to 14 parts; special is a list of special tokens' texts."""
    for _ in range(count):
        yield "".join(part(rng, special) for _ in range(rng.randint(0, 14)))
