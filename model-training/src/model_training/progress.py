"""Progress bars on a terminal, one plain line at the end of each task elsewhere."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """One line for the person at the terminal."""
    console.print(message, markup=False)


def track(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Passes `items` on while a bar shows how many of `total` have come."""
    bar = _bar(MofNCompleteColumn())
    with bar:
        task = bar.add_task(what, total=total)
        for item in items:
            yield item
            bar.advance(task)
    if not console.is_terminal:
        say(f"{what}: {total} of {total}")


@contextmanager
def download_bar(what: str, total: int | None) -> Iterator[Progress]:
    """A bar in bytes with one task, whose id is 0."""
    bar = _bar(DownloadColumn())
    with bar:
        bar.add_task(what, total=total)
        yield bar


def _bar(count: MofNCompleteColumn | DownloadColumn) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
