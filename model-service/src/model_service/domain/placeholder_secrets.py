"""Secrets that are none: what examples, tests and forgotten templates hold in their place."""

import re

__all__ = ["MIN_TOKEN_CHARS", "placeholder_fault"]

MIN_TOKEN_CHARS = 16
_WORDS = frozenset(
    "admin changeit changeme default demo dummy example fixme insecure key letmein password placeholder replaceme "
    "sample secret test testing todo token xxx your yours".split()
)
# Words that say nothing by themselves and often stand between the others.
_FILLERS = frozenset(
    "a an api auth bearer for here in is it me my not of only please prod production the this to with".split()
)


def placeholder_fault(secret: bytes, *, at_least: int) -> str | None:
    """What is wrong with `secret`, without a byte of it; None when nothing looks wrong.

    A check for mistakes: it knows words, repetition and length, not how hard a secret is to guess.
    """
    if not secret.strip():
        return "is empty"
    if len(secret) < at_least:
        return f"is shorter than {at_least} bytes"
    if len(set(secret)) <= 2:  # noqa: PLR2004 - one or two bytes, repeated
        return "repeats the same bytes"
    if _only_words(secret):
        return "is a placeholder"
    return None


def _only_words(secret: bytes) -> bool:
    text = secret.decode("latin-1").casefold().replace("change-me", "changeme").replace("change_me", "changeme")
    words = [word for word in re.split(r"[^a-z]+", text) if word]
    rest = "".join(words) or "x"
    return bool(words) and (all(word in _WORDS or word in _FILLERS for word in words) or _repeats_a_word(rest))


def _repeats_a_word(text: str) -> bool:
    return any(text.replace(word, "") == "" for word in _WORDS)
