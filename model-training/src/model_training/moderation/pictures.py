"""The plots as PNG: one picture each, a field a label, all models overlaid."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from model_training.curves import Rows
from model_training.moderation.labels import LABELS
from model_training.pictures import save

AXES = {
    "roc": ("false_positive_rate", "true_positive_rate"),
    "precision_recall": ("recall", "precision"),
    "calibration": ("predicted", "observed"),
}
Curves = Mapping[str, Mapping[str, Mapping[str, Rows]]]  # by model, by label, by plot


def draw_all(drawn: Curves, folder: Path) -> None:
    """Writes roc, precision_recall and calibration .png into `folder`."""
    for plot, (x, y) in AXES.items():
        figure = Figure(figsize=(10, 6.5), layout="constrained")
        for at, label in enumerate(LABELS, start=1):
            axes = figure.add_subplot(2, 3, at)
            for model, by_label in drawn.items():
                rows = by_label[label][plot]
                marker = "o" if plot == "calibration" else ""
                axes.plot([row[x] for row in rows], [row[y] for row in rows], marker=marker, label=model)
            axes.set(title=label, xlabel=x.replace("_", " "), ylabel=y.replace("_", " "), xlim=(0, 1), ylim=(0, 1.02))
            axes.grid(alpha=0.3)
            axes.legend(loc="lower right" if plot != "precision_recall" else "lower left")
        save(figure, folder / f"{plot}.png")
