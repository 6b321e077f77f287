"""From rounds to one line a contender, and from lines to the table and the plot."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

from serving_bench.load import Run

__all__ = ["Line", "line_of", "plot", "table", "with_report"]

MIB = 1 << 20
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"


@dataclass(frozen=True)
class Line:
    """Medians over the rounds."""

    name: str
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    batch_texts_per_s: float | None
    start_s: float
    pss_mib: float
    failed: int
    others_share: float


def line_of(name: str, runs: Sequence[Run], batch: float | None, start_s: float, pss_bytes: int) -> Line:
    def median(figure: str) -> float:
        return statistics.median(float(getattr(run, figure)) for run in runs)

    return Line(
        name=name,
        requests_per_s=median("requests_per_s"),
        p50_ms=median("p50_ms"),
        p99_ms=median("p99_ms"),
        cpu_us=median("cpu_us"),
        batch_texts_per_s=batch,
        start_s=start_s,
        pss_mib=pss_bytes / MIB,
        failed=sum(run.failed for run in runs),
        others_share=median("others_share"),
    )


def table(lines: Sequence[Line], reference: str) -> str:
    """Markdown; `x` is the requests a second of the line named `reference` over this line's."""
    ours = next(line for line in lines if line.name == reference)
    head = "| server | CPU us a request | requests/s | x | p50 ms | p99 ms | texts/s by 1,000 | start s | PSS MiB |"
    rows = [head, "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for line in lines:
        batch = "-" if line.batch_texts_per_s is None else f"{line.batch_texts_per_s:,.0f}"
        times = ours.requests_per_s / line.requests_per_s
        name = f"**{line.name}**" if line is ours else line.name
        rows.append(
            f"| {name} | {line.cpu_us:,.0f} | {line.requests_per_s:,.0f} | {times:.2f} | {line.p50_ms:.2f} "
            f"| {line.p99_ms:.2f} | {batch} | {line.start_s:.1f} | {line.pss_mib:,.0f} |"
        )
    return "\n".join(rows)


def with_report(page: str, report: str) -> str:
    """The page with `report` in its marked part. Raises ValueError when it has no such part."""
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"the page has no part between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{report}{END}{after}"


def plot(lines: Sequence[Line], file: Path) -> None:
    """Two panels: what a request costs the server, and how many it answers in a second."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of a backend without a screen

    names = [line.name for line in lines][::-1]
    colours = ["#c2410c" if name.startswith("Palate") else "#64748b" for name in names]
    figure, panels = plt.subplots(1, 2, figsize=(12, 0.45 * len(lines) + 1.5), sharey=True, layout="constrained")
    for panel, title, values in (
        (panels[0], "server CPU a request, µs (less is better)", [line.cpu_us for line in lines][::-1]),
        (panels[1], "requests a second (more is better)", [line.requests_per_s for line in lines][::-1]),
    ):
        bars = panel.barh(names, values, color=colours)
        panel.bar_label(bars, fmt="{:,.0f}", padding=4)
        panel.set_xscale("log")
        panel.set_title(title)
        panel.margins(x=0.15)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110)
    plt.close(figure)
