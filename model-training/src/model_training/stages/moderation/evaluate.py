"""evaluate: figures with intervals on the held-out comments and reviews, and the plots."""

from typing import Any

from model_training import curves
from model_training.fitted import load_fitted
from model_training.moderation.comments import Side, read_side
from model_training.moderation.crossfit import Moderator
from model_training.moderation.curves import curves as curves_of
from model_training.moderation.figures import held_out_figures, review_figures
from model_training.moderation.pictures import draw_all
from model_training.moderation.prior import natural_weights
from model_training.params import ModerationParams, load_params
from model_training.progress import say
from model_training.stages import run_stage
from model_training.stages.places import MODERATION
from model_training.whole_files import whole_folder, write_json


def main() -> None:
    whole = load_params()
    params, test, train = whole.tasks.moderation, read_side(MODERATION.test), read_side(MODERATION.train)
    models: dict[str, Moderator] = {model: load_fitted(MODERATION.model(model)) for model in params.models}
    report, drawn = {}, {}
    for model, fitted in models.items():
        report[model], drawn[model] = judge(fitted, params, test, train, whole.seed)
        mean = report[model]["held_out"]["mean"]
        auc, flags = mean["roc_auc"], report[model]["reviews"]["held_out"]["share"]["value"]
        say(
            f"evaluate: moderation {model} mean ROC AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}), "
            f"mean ECE {mean['ece']['value']:.4f}, reviews flagged {flags:.2%}"
        )
    with whole_folder(MODERATION.plots) as folder:
        for model, by_label in drawn.items():
            for label, plots in by_label.items():
                for name, rows in plots.items():
                    curves.write_csv(folder / model / label / f"{name}.csv", rows)
        draw_all(drawn, folder)
    write_json(MODERATION.metrics, report)


def judge(
    fitted: Moderator, params: ModerationParams, test: Side, train: Side, seed: int
) -> tuple[dict[str, Any], dict[str, dict[str, curves.Rows]]]:
    """The figures of one model, and the points of its plots."""
    comments = test.chosen(~test.review)
    probabilities = fitted.pipeline.predict_proba(comments.texts)
    weights = natural_weights(comments.labels, params.natural_prevalence)
    evaluation = params.evaluation
    reviews = fitted.pipeline.predict_proba(test.chosen(test.review).texts)
    figures = {
        "held_out": held_out_figures(
            probabilities,
            comments.labels,
            weights,
            fitted.thresholds,
            bins=evaluation.calibration_bins,
            resamples=evaluation.resamples,
            seed=seed,
        ),
        "thresholds": fitted.thresholds,
        "reviews": {
            "held_out": review_figures(reviews, fitted.thresholds),
            "out_of_fold": review_figures(fitted.out_of_fold[train.review], fitted.thresholds),
        },
    }
    return figures, curves_of(probabilities, comments.labels, weights, evaluation.calibration_bins)


if __name__ == "__main__":
    run_stage("evaluate", main)
