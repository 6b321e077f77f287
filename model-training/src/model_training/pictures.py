"""The plots as PNG, for those without a notebook: one picture each, all models side by side or overlaid."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from model_training.curves import Rows
from model_training.reviews import LABELS

Curves = Mapping[str, Mapping[str, Rows]]  # by model, then by plot


def draw_all(curves: Curves, folder: Path) -> None:
    """Writes confusion, roc, precision_recall, calibration and learning_curve .png into `folder`."""
    draw_confusion(curves, folder / "confusion.png")
    draw_lines(curves, "roc", ("false_positive_rate", "true_positive_rate"), folder / "roc.png", diagonal=True)
    draw_lines(curves, "precision_recall", ("recall", "precision"), folder / "precision_recall.png")
    draw_lines(curves, "calibration", ("predicted", "observed"), folder / "calibration.png", diagonal=True, marker="o")
    draw_learning_curve(curves, folder / "learning_curve.png")


def draw_confusion(curves: Curves, path: Path) -> None:
    figure = Figure(figsize=(4.2 * len(curves), 4), layout="constrained")
    for at, (model, plots) in enumerate(curves.items()):
        counts = Counter((row["actual"], row["predicted"]) for row in plots["confusion"])
        axes = figure.add_subplot(1, len(curves), at + 1)
        matrix = [[counts[actual, predicted] for predicted in LABELS] for actual in LABELS]
        axes.imshow(matrix, cmap="Blues", vmin=0)
        for y, row in enumerate(matrix):
            for x, count in enumerate(row):
                dark = count > max(max(line) for line in matrix) / 2
                axes.text(x, y, str(count), ha="center", va="center", color="white" if dark else "black")
        axes.set(title=model, xlabel="predicted", ylabel="actual", xticks=(0, 1), yticks=(0, 1))
        axes.set_xticklabels(LABELS)
        axes.set_yticklabels(LABELS)
    save(figure, path)


def draw_lines(
    curves: Curves, plot: str, columns: tuple[str, str], path: Path, *, diagonal: bool = False, marker: str = ""
) -> None:
    figure, axes = _square(*columns)
    for model, plots in curves.items():
        axes.plot(*([row[column] for row in plots[plot]] for column in columns), marker=marker, label=model)
    if diagonal:
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    axes.legend()
    save(figure, path)


def draw_learning_curve(curves: Curves, path: Path) -> None:
    figure, axes = _square("training texts", "accuracy")
    for at, (model, plots) in enumerate(curves.items()):
        sizes = [row["texts"] for row in plots["learning_curve"]]
        for column, style in (("validation", "o-"), ("training", ":")):
            accuracies = [row[column] for row in plots["learning_curve"]]
            axes.plot(sizes, accuracies, style, color=f"C{at}", label=f"{model} {column}")
    axes.legend()
    save(figure, path)


def _square(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
    axes.grid(alpha=0.3)
    return figure, axes


def save(figure: Figure, path: Path) -> None:
    """Without a display, and without the library's version inside, so that the same points give the same bytes."""
    FigureCanvasAgg(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
