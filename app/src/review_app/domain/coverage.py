"""How much of the text the model knows, in plain words."""

from lib_ml.text import spans

LITTLE_KNOWN = 0.5


def coverage_in_words(text: str, coverage: float) -> str:
    """`coverage` is the known share of the words, 0..1. Counted words where the share fits a count, else percent."""
    total = len(spans(text))
    if total == 0:
        return "There are no words in your text that the model could know."
    known = round(coverage * total)
    fits_a_count = abs(coverage * total - known) < 0.01  # noqa: PLR2004 - a rounded share still counts as that share
    if not fits_a_count:
        return f"The model knows {coverage:.0%} of your words."
    if total == 1:
        return "The model knows your one word." if known else "The model does not know your one word."
    if known in (0, total):
        return f"The model knows {'all' if known else 'none'} of your {total} words."
    return f"The model knows {known} of your {total} words."


def little_known(coverage: float) -> bool:
    """Whether the reader should be warned that the verdict stands on few words."""
    return coverage < LITTLE_KNOWN
