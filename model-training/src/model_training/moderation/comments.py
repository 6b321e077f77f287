"""A table of labelled comments: reading it strictly, and writing it.

The format is that of the Jigsaw Toxic Comment Classification data: CSV in UTF-8, quoted where needed, a header
`id,comment_text,toxic,severe_toxic,obscene,threat,insult,identity_hate`, and 1 or 0 for each label. A fault is told by
file and line, never by the comment's text.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_training.moderation.labels import LABELS
from model_training.params import Prepare
from model_training.refusal import TrainingRefused
from model_training.reviews import key_of
from model_training.whole_files import write_whole

HEADER = ["id", "comment_text", *LABELS]
SIDE_HEADER = ["review", "text", *LABELS]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Comment:
    """`labels`: 0 or 1 for each of LABELS. `line` counts from 1 and is where the comment begins."""

    text: str
    labels: tuple[int, ...]
    line: int


@dataclass(frozen=True)
class CommentTable:
    """`rows`: comments in the file. `comments`: each text once, those left out that came with different labels.

    `conflicting`: how many rows were left out because raters had differed; nobody can learn from these.
    """

    comments: tuple[Comment, ...]
    rows: int
    conflicting: int

    @property
    def dropped(self) -> int:
        return self.rows - len(self.comments)


@dataclass(frozen=True)
class Side:
    """Texts to learn from or to test on. `labels`: (n, 6); `review`: (n,), a restaurant review that is clean."""

    texts: list[str]
    labels: IntArray
    review: BoolArray

    def chosen(self, which: BoolArray | IntArray) -> "Side":
        at = np.flatnonzero(which) if which.dtype == np.bool_ else which
        return Side([self.texts[one] for one in at], self.labels[at], self.review[at])


def read_comments(path: Path, name: str, limits: Prepare) -> CommentTable:
    """Reads and checks a table, calling it `name` in errors. Raises TrainingRefused for the first fault found."""
    found = [_comment(row, line, name, limits.max_chars) for row, line in _rows(path.read_bytes(), name)]
    if not found:
        raise TrainingRefused(f"{name}: has a header but no comments")
    by_text: defaultdict[str, list[Comment]] = defaultdict(list)
    for comment in found:
        by_text[key_of(comment.text)].append(comment)
    agreed = [group for group in by_text.values() if len({comment.labels for comment in group}) == 1]
    table = CommentTable(
        tuple(group[0] for group in agreed), rows=len(found), conflicting=len(found) - sum(map(len, agreed))
    )
    _refuse_too_few(table.comments, name, limits.least_per_label)
    return table


def write_side(path: Path, side: Side) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SIDE_HEADER)
    for one, labels, review in zip(side.texts, side.labels.tolist(), side.review.tolist(), strict=True):
        writer.writerow([int(review), one, *labels])
    write_whole(path, text.getvalue().encode())


def read_side(path: Path) -> Side:
    """A file that `write_side` wrote."""
    rows = list(_parsed(path.read_bytes().decode()))[1:]
    return Side(
        [row[1] for row, _ in rows],
        np.array([[int(value) for value in row[2:]] for row, _ in rows], dtype=np.int64).reshape(-1, len(LABELS)),
        np.array([row[0] == "1" for row, _ in rows], dtype=np.bool_),
    )


def _rows(content: bytes, name: str) -> Iterator[tuple[list[str], int]]:
    """The rows after the header, each with the line it begins at."""
    if not content.strip():
        raise TrainingRefused(f"{name}: empty: it must hold a header {','.join(HEADER)} and comments")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TrainingRefused(f"{name}: line {line}: not UTF-8: save the file as UTF-8") from error
    rows = _parsed(text)
    try:
        if next(rows)[0] != HEADER:
            raise TrainingRefused(f"{name}: line 1: the header must be {','.join(HEADER)}")
        yield from rows
    except csv.Error as error:
        raise TrainingRefused(f"{name}: not CSV: {error}: look for a quote that is not closed or doubled") from error


def _parsed(text: str) -> Iterator[tuple[list[str], int]]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    for row in reader:
        yield row, line
        line = reader.line_num + 1


def _comment(row: list[str], line: int, name: str, max_chars: int) -> Comment:
    if len(row) != len(HEADER):
        raise TrainingRefused(f"{name}: line {line}: {len(row)} columns instead of {len(HEADER)}")
    text = row[1].strip()
    for label, value in zip(LABELS, row[2:], strict=True):
        if value not in {"0", "1"}:
            raise TrainingRefused(f"{name}: line {line}: {label} is neither 1 nor 0")
    if not text:
        raise TrainingRefused(f"{name}: line {line}: the comment is empty: write it or remove the row")
    if len(text) > max_chars:
        raise TrainingRefused(
            f"{name}: line {line}: {len(text)} characters, more than {max_chars}: "
            "shorten it, or raise tasks.moderation.prepare.max_chars in params.yaml"
        )
    return Comment(text, tuple(int(value) for value in row[2:]), line)


def _refuse_too_few(comments: Iterable[Comment], name: str, least: int) -> None:
    carried = np.array([comment.labels for comment in comments]).reshape(-1, len(LABELS))
    counts = dict(zip(LABELS, carried.sum(axis=0).tolist(), strict=True))
    for kind, count in {**counts, "clean": int((~carried.any(axis=1)).sum())}.items():
        if count < least:
            raise TrainingRefused(f"{name}: only {count} different {kind} comments: at least {least} are needed")
