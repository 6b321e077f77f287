"""Texts as they come again: typed anew, mended, or turned into their contrary."""

import random

from lib_ml.text import clean
from small_models import TEXTS


def reviews(draw: random.Random, count: int) -> list[str]:
    """At most `count` different cleaned texts of one to three of forty reviews each: many have words in common."""
    made = (" ".join(draw.sample(TEXTS, draw.choice([1, 1, 2, 3]))) for _ in range(count))
    return list(dict.fromkeys(clean(text) for text in made))


def altered(draw: random.Random, text: str) -> str:
    """A typo, a word more or less or another, a number, a negation, or the contrary."""
    kind, at = draw.randrange(10), draw.randrange(len(text))
    pieces = text.split()
    near = draw.randrange(len(pieces))
    before, here, after = pieces[:near], pieces[near], pieces[near + 1 :]
    return (
        lambda: text[:at] + draw.choice("aeistn .,!") + text[at:],
        lambda: text[:at] + text[at + 1 :],
        lambda: text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :],
        lambda: " ".join([*before, "not", here, *after]),
        lambda: " ".join([*before, "isn't" if here == "is" else "wasn't" if here == "was" else here, *after]),
        lambda: " ".join([*before, str(draw.randrange(20)), here, *after]),
        lambda: " ".join([*before, draw.choice(draw.choice(TEXTS).split()), *after]),
        lambda: " ".join([*before, draw.choice(["the", "a", "so", "very"]), here, *after]),
        lambda: " ".join([*before, *after]),
        lambda: text.replace("good", "bad") if "good" in text else text.replace("great", "awful"),
    )[kind]()
