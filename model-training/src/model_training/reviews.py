"""A table of labelled reviews: reading it strictly, and writing it.

The format is that of the published data: UTF-8, a header `Review<TAB>Liked`, then one review a line with 1 (liked) or
0. There is no quoting: a quote is a quote. A fault is told by file and line, never by the review's text.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from lib_ml.text import clean

from model_training.refusal import TrainingRefused
from model_training.whole_files import write_whole

HEADER = "Review\tLiked"
LABELS = ("negative", "positive")  # by the number in the second column
MOST_LINES_NAMED = 10


@dataclass(frozen=True)
class Review:
    """`label` indexes LABELS; `line` counts from 1, the header included."""

    text: str
    label: int
    line: int


@dataclass(frozen=True)
class Table:
    """`rows`: reviews in the file. `reviews`: without `duplicates`, those whose cleaned text came before."""

    reviews: tuple[Review, ...]
    rows: int

    @property
    def duplicates(self) -> int:
        return self.rows - len(self.reviews)


def read_table(path: Path, *, name: str, max_chars: int, least_per_label: int) -> Table:
    """Reads and checks a table, calling it `name` in errors. Raises TrainingRefused for the first fault found."""
    lines = _lines(path.read_bytes(), name)
    if [heading.strip().casefold() for heading in lines[0].split("\t")] != HEADER.casefold().split("\t"):
        raise TrainingRefused(f"{name}: line 1: the header must be Review<TAB>Liked")
    found = [_review(line, at, name, max_chars) for at, line in enumerate(lines[1:], start=2)]
    if not found:
        raise TrainingRefused(f"{name}: has a header but no reviews: add at least {least_per_label} of each label")
    _refuse_conflicts(found, name)
    first: dict[str, Review] = {}
    for review in found:
        first.setdefault(key_of(review.text), review)
    unique = tuple(first.values())
    _refuse_too_few(unique, name, least_per_label)
    return Table(unique, rows=len(found))


def read_split(path: Path) -> tuple[list[str], list[int]]:
    """Texts and labels of a file that `write_split` wrote."""
    rows = [line.rsplit("\t", 1) for line in path.read_bytes().decode().split("\n")[1:-1]]
    return [text for text, _ in rows], [int(label) for _, label in rows]


def write_split(path: Path, reviews: list[Review]) -> None:
    rows = "".join(f"{review.text}\t{review.label}\n" for review in reviews)
    write_whole(path, f"{HEADER}\n{rows}".encode())


def key_of(text: str) -> str:
    """What two texts share when a model could not tell them apart: cleaned, white space as single blanks."""
    return " ".join(clean(text).split())


def _lines(content: bytes, name: str) -> list[str]:
    if not content.strip():
        raise TrainingRefused(f"{name}: empty: it must hold a header Review<TAB>Liked and reviews")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TrainingRefused(f"{name}: line {line}: not UTF-8: save the file as UTF-8") from error
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _review(line: str, at: int, name: str, max_chars: int) -> Review:
    columns = line.split("\t")
    if len(columns) != 2:  # noqa: PLR2004 - Review and Liked
        raise TrainingRefused(
            f"{name}: line {at}: {len(columns)} column{'s' * (len(columns) != 1)} instead of 2: "
            "write the review, one tab, and 1 or 0"
        )
    text, label = columns[0].strip(), columns[1].strip()
    if label not in {"0", "1"}:
        raise TrainingRefused(f"{name}: line {at}: the label is neither 1 (liked) nor 0")
    if not text:
        raise TrainingRefused(f"{name}: line {at}: the review is empty: write it or remove the line")
    if len(text) > max_chars:
        raise TrainingRefused(
            f"{name}: line {at}: {len(text)} characters, more than {max_chars}: "
            "shorten it, or raise prepare.max_chars in params.yaml"
        )
    return Review(text, int(label), at)


def _refuse_conflicts(reviews: list[Review], name: str) -> None:
    """The same text liked and not liked: nobody can learn from that, and dropping either would be a guess."""
    by_text: defaultdict[str, list[Review]] = defaultdict(list)
    for review in reviews:
        by_text[key_of(review.text)].append(review)
    groups = [group for group in by_text.values() if len({review.label for review in group}) > 1]
    if groups:
        named = "; ".join(" and ".join(str(review.line) for review in group) for group in groups[:MOST_LINES_NAMED])
        more = f" and {len(groups) - MOST_LINES_NAMED} more" if len(groups) > MOST_LINES_NAMED else ""
        raise TrainingRefused(
            f"{name}: lines {named}{more}: the same review with different labels: keep one label for each"
        )


def _refuse_too_few(reviews: tuple[Review, ...], name: str, least: int) -> None:
    counts = Counter(review.label for review in reviews)
    for label, word in enumerate(LABELS):
        if not counts[label]:
            raise TrainingRefused(f"{name}: no {word} review (label {label}): a model needs both labels to learn from")
        if counts[label] < least:
            raise TrainingRefused(
                f"{name}: only {counts[label]} different {word} reviews (label {label}): at least {least} are needed"
            )
