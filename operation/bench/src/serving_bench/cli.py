"""`serving-bench`: the table and the plot of docs/performance.md."""

import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from serving_bench.contenders import CONTENDERS, Contender
from serving_bench.figures import Line, line_of, plot, table, with_report
from serving_bench.load import Run, batch_texts_per_s, load, wrk
from serving_bench.server import Server, running
from serving_bench.trained import Trained, train

__all__ = ["main"]

REFERENCE = "Palate model-service"
_REVIEWS = 400
_LONGEST_ROTATED = 100  # characters; what most reviews stay under
console = Console(stderr=True, highlight=False)


def bench(
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Rounds; the table has their medians.")] = 3,
    seconds: Annotated[int, typer.Option(min=1, max=60, help="Seconds of load a server and round.")] = 8,
    only: Annotated[list[str] | None, typer.Option(help="Words in the names of those who take part.")] = None,
    page: Annotated[Path | None, typer.Option(help="Page whose marked part takes the table.")] = None,
    port: Annotated[int, typer.Option(help="First port; each server takes ten.")] = 23_000,
) -> None:
    """Serve one pipeline by every contender and measure them in turn."""
    wrk()
    chosen = [each for each in CONTENDERS if not only or each.name == REFERENCE or any(w in each.name for w in only)]
    for contender in chosen:
        console.print(f"installing {contender.name}")
        contender.prepare()
    with tempfile.TemporaryDirectory(prefix="serving-bench-") as folder:
        lines = _measured(chosen, train(Path(folder)), rounds, seconds, port)
    report = f"{table(lines, REFERENCE)}\n\n{_circumstances(lines, rounds, seconds)}\n"
    print(report)  # noqa: T201 - the report is what this program is for
    if page:
        page.write_text(with_report(page.read_text(encoding="utf-8"), report), encoding="utf-8")
        plot(lines, page.parent / "images" / "serving.png")


def main() -> None:
    typer.run(bench)


def _measured(chosen: list[Contender], trained: Trained, rounds: int, seconds: int, port: int) -> list[Line]:
    """Interleaved: in each round every server has its turn, beginning with another one."""
    texts = [text for text in trained.texts if len(text) <= _LONGEST_ROTATED][:_REVIEWS]
    console.print(f"starting {len(chosen)} servers")
    with running(chosen, trained, port) as servers:
        runs: dict[int, list[Run]] = {server.port: [] for server in servers}
        for number in range(rounds):
            first = number * len(servers) // rounds
            for server in [*servers[first:], *servers[:first]]:
                run = load(server, texts, trained.folder, seconds)
                runs[server.port].append(run)
                console.print(f"{number + 1}/{rounds} {server.contender.name}: {run.requests_per_s:,.0f}/s")
        return [_line(server, runs[server.port], texts) for server in servers]


def _line(server: Server, runs: list[Run], texts: list[str]) -> Line:
    batch = batch_texts_per_s(server, texts)
    return line_of(server.contender.name, runs, batch, server.start_s, server.pss_bytes())


def _circumstances(lines: list[Line], rounds: int, seconds: int) -> str:
    others = max(line.others_share for line in lines)
    failed = sum(line.failed for line in lines)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores for servers and wrk together, Python "
        f"{platform.python_version()}; medians of {rounds} interleaved rounds of {seconds} s; requests that failed: "
        f"{failed}; processor time taken by anything else meanwhile: at most {others:.0%} (median round of a server)."
    )
