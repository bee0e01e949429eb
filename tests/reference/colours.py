#!/usr/bin/env python3
"""Contrast, lightness, distance and simulated colour vision of pairs of colours, by colorspacious
and wcag-contrast-ratio: what tests/unit/theme_test.c compares tui/colour.c with.

Writes tests/data/colours.txt. A line: two colours, contrast, L* of the first, distance (CIELAB 1976), and the distance as seen
with protanopia, deuteranopia, tritanopia (Machado et al. 2009, severity 100)."""
import numpy as np
import wcag_contrast_ratio
from colorspacious import cspace_convert

PAIRS = """5fd787 ffd24a  2f9bff e9c6ff  2f9bff ff9e57  00695c 8f4f00  0a62ad 5f14c8  c8ced8 10141b
28c8c8 ff5a4f  28c8c8 ffeef4  4da3ff ffb000  6fb7ff ffc20a  93a1a1 002b36  777777 ffffff
ff0000 00ff00  0000ff ffff00  123456 fedcba""".split()
LAB = {"name": "CIELab", "XYZ100_w": "D65"}


def rgb(text):
    return np.array([int(text[i:i + 2], 16) / 255 for i in (0, 2, 4)])


def seen(colour, kind):
    if kind is None:
        return colour
    space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
    # a screen has 8 bits a channel
    return np.round(np.clip(cspace_convert(colour, space, "sRGB1"), 0, 1) * 255) / 255


def lab(colour):
    return cspace_convert(colour, "sRGB1", LAB)


out = open("tests/data/colours.txt", "w")
for a, b in zip(PAIRS[::2], PAIRS[1::2]):
    x, y = rgb(a), rgb(b)
    row = [wcag_contrast_ratio.rgb(tuple(x), tuple(y)), lab(x)[0]]
    for kind in (None, "protanomaly", "deuteranomaly", "tritanomaly"):
        row.append(np.linalg.norm(lab(seen(x, kind)) - lab(seen(y, kind))))
    print(a, b, *("%.3f" % v for v in row), file=out)
