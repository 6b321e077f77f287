"""Training models that the compiled scorer can serve. Needs the extra `training` (sklearn); no service imports it."""

from lib_ml.training.folding import CannotFold
from lib_ml.training.multilabel import calibrated
from lib_ml.training.parameters import PipelineParams
from lib_ml.training.pipeline import build_pipeline
from lib_ml.training.publishing import compile_bundle

__all__ = ["CannotFold", "PipelineParams", "build_pipeline", "calibrated", "compile_bundle"]
