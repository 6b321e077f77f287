"""evaluate: figures with intervals from repeated folds of the training side, the held-out figures, and the plots."""

import numpy as np

from model_training import curves
from model_training.evaluation import metrics, out_of_fold
from model_training.fitted import load_fitted
from model_training.folds import Outcomes, Plan, cross_validate
from model_training.params import load_params
from model_training.pictures import draw_all
from model_training.progress import say
from model_training.reviews import read_split
from model_training.settings import settings_from
from model_training.stages import run_stage
from model_training.stages.places import SENTIMENT
from model_training.whole_files import whole_folder, write_json


def main() -> None:
    whole = load_params()
    params = whole.tasks.sentiment
    plan = Plan(params.evaluation.folds, params.evaluation.repeats, whole.seed, shares=params.evaluation.learning_curve)
    texts, labels = read_split(SENTIMENT.train)
    test_texts, test_labels = read_split(SENTIMENT.test)
    outcomes = cross_validate(params.models, texts, labels, plan, settings_from().jobs)
    held_out = {model: _held_out(model, test_texts) for model in params.models}
    bins = params.evaluation.calibration_bins
    report = metrics(outcomes, labels, held_out=held_out, held_out_labels=test_labels, plan=plan, bins=bins)
    _write_plots(outcomes, labels, plan, bins)
    write_json(SENTIMENT.metrics, report)
    for model in params.models:
        accuracy = report[model]["cross_validation"]["accuracy"]
        low, high = accuracy["low"], accuracy["high"]
        say(f"evaluate: sentiment {model} accuracy {accuracy['value']:.3f} ({low:.3f} to {high:.3f})")


def _held_out(model: str, texts: list[str]) -> curves.FloatArray:
    positive: curves.FloatArray = load_fitted(SENTIMENT.model(model)).predict_proba(texts)[:, 1]
    return positive


def _write_plots(outcomes: dict[str, Outcomes], labels: list[int], plan: Plan, bins: int) -> None:
    truth = np.asarray(labels)
    drawn: dict[str, dict[str, curves.Rows]] = {}
    for model, mine in outcomes.items():
        positive = out_of_fold(mine, plan.folds, len(labels))
        drawn[model] = {
            "confusion": curves.confusion(truth, positive),
            "roc": curves.roc(truth, positive),
            "precision_recall": curves.precision_recall(truth, positive),
            "calibration": curves.calibration(truth, positive, bins),
            "learning_curve": curves.learning_curve(mine, truth),
        }
    with whole_folder(SENTIMENT.plots) as folder:
        for model, plots in drawn.items():
            for name, rows in plots.items():
                curves.write_csv(folder / model / f"{name}.csv", rows)
        draw_all(drawn, folder)


if __name__ == "__main__":
    run_stage("evaluate", main)
