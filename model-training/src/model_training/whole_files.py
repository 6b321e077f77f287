"""Files and folders that appear whole or not at all, whatever stops the program in between."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yields a path beside `target` to write to; it takes target's place if the block ends without an exception."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    try:
        yield partial
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yields an empty folder beside `target`; it takes target's place if the block ends without an exception."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_whole(target: Path, content: bytes) -> None:
    with whole_file(target) as partial:
        partial.write_bytes(content)


def write_json(target: Path, value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    write_whole(target, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
