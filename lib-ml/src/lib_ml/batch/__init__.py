"""Many texts at once: columns of them, straight from Arrow buffers, on all cores (extra `batch`)."""

from lib_ml.batch.scorer import BatchScorer

__all__ = ["BatchScorer"]
