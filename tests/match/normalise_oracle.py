#!/usr/bin/env python3
"""The normaliser once more, from Python's own tables: prints cases for normalise_test.c to compare.

normalise_oracle.py chars          every character: code, lower case, is white space, is letter or digit
normalise_oracle.py texts COUNT    random texts: options, input and result in hexadecimal

Characters that this Python's version of Unicode does not know are left out.
"""

import random
import sys
import unicodedata


def known(code):
    return not 0xD800 <= code <= 0xDFFF and unicodedata.category(chr(code)) != "Cn"


def is_word(c):
    return c == "_" or c.isalnum() or unicodedata.category(c).startswith("M")


def squeeze(text):
    return " ".join(text.split())


def normalise(text, form, lower, accents, punctuation):
    text = unicodedata.normalize("NFKD", text.strip())
    if accents:
        text = "".join(c for c in text if unicodedata.combining(c) == 0)
    if form == "NFKC":
        text = unicodedata.normalize("NFC", text)
    if lower:
        text = text.lower()
    if punctuation:
        text = "".join(c if is_word(c) or c.isspace() else " " for c in text)
    return squeeze(text)


def print_chars():
    for code in range(0x110000):
        if known(code):
            c = chr(code)
            lower = c.lower() if code not in (0x130, 0x3A3) else c
            print(f"{code:x} {ord(lower):x} {int(c.isspace())} {int(c.isalnum())}")


def print_texts(count):
    dice = random.Random(20)
    codes = [code for code in range(0x110000) if known(code)]
    common = "aZ09 _.-'\u0130\u03a3\u03c3\u00e9\u0301\u0327\u00a0\u3000\ufb01\u2460\u00df\uac00\u1100\u1161\u200b\u00b7\u0345"
    for _ in range(count):
        length = dice.randrange(24)
        text = "".join(dice.choice(common) if dice.random() < 0.6 else chr(dice.choice(codes))
                       for _ in range(length))
        bits = dice.randrange(16)
        result = normalise(text, "NFKC" if bits & 1 else "NFKD", not bits & 2, bits & 4, bits & 8)
        print(f"{bits:x} -{text.encode().hex()} -{result.encode().hex()}")


if sys.argv[1] == "chars":
    print_chars()
else:
    print_texts(int(sys.argv[2]))
