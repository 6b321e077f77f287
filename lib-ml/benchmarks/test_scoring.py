"""One review, and many, scored by the compiled scorer and by sklearn, side by side in one run (`make bench`).

The reviews are those of the sample data that training ships with; the models are fitted on them here.
"""

from collections.abc import Callable
from functools import cache
from itertools import cycle
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from small_models import Trained, make_bundle

SAMPLE = Path(__file__).parents[2] / "model-training" / "sample" / "reviews.tsv"


@cache
def reviews() -> list[tuple[str, int]]:
    rows = (line.rsplit("\t", 1) for line in SAMPLE.read_text(encoding="utf-8").splitlines()[1:])
    return [(text, int(liked)) for text, liked in rows]


@cache
def trained(name: str) -> Trained:
    texts, answers = zip(*reviews(), strict=True)
    return make_bundle(Path(mkdtemp()), name, texts=list(texts), answers=list(answers))


def each_in_turn(score: Callable[[str], Any]) -> Callable[[], Any]:
    """Another review at each call, so that nothing is answered from a warm cache of one text."""
    turn = cycle([text for text, _ in reviews()])
    return lambda: score(next(turn))


@pytest.mark.parametrize("name", ["v1", "v2"])
@pytest.mark.benchmark(group="one review")
class TestOneReview:
    def test_compiled(self, benchmark, name):
        benchmark(each_in_turn(trained(name).scorer.probabilities))

    def test_compiled_with_explanation(self, benchmark, name):
        benchmark(each_in_turn(trained(name).scorer.explain))

    def test_sklearn(self, benchmark, name):
        pipeline = trained(name).pipeline
        benchmark(each_in_turn(lambda text: pipeline.predict_proba([text])))


@pytest.mark.parametrize("name", ["v1", "v2"])
@pytest.mark.benchmark(group="all reviews of the sample in one call")
class TestManyReviews:
    def test_compiled(self, benchmark, name):
        texts = [text for text, _ in reviews()]
        benchmark(trained(name).scorer.probabilities_of_many, texts)

    def test_sklearn(self, benchmark, name):
        texts = [text for text, _ in reviews()]
        benchmark(trained(name).pipeline.predict_proba, texts)
