"""A million reviews in one column, beside sklearn, in one run (`make bench`).

The sample's reviews, each tiled with small variations, so that no two rows are alike. Both sides take turns and count
the CPU time of their own thread, so that what else the machine does weighs little; what all cores give is wall time.
"""

import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

import pyarrow as pa
import pytest
from lib_ml.batch import BatchScorer
from lib_ml.bundle import load_bundle
from small_models import make_bundle

SAMPLE = Path(__file__).parents[2] / "model-training" / "sample" / "reviews.tsv"
ROWS, ROWS_OF_SKLEARN, ROUNDS = 1_000_000, 5_000, 5


def reviews() -> Iterator[tuple[str, int]]:
    rows = (line.rsplit("\t", 1) for line in SAMPLE.read_text(encoding="utf-8").splitlines()[1:])
    return ((text, int(liked)) for text, liked in rows)


def varied(texts: list[str]) -> Iterator[str]:
    return (f"{text} {number}" for number, text in enumerate(cycle(texts)))


def microseconds(score: Callable[[], object], rows: int) -> float:
    started = time.thread_time()
    score()
    return (time.thread_time() - started) / rows * 1e6


@pytest.mark.parametrize("name", ["v1", "v2"])
@pytest.mark.benchmark(group="a million reviews")
def test_a_million_reviews(benchmark, capsys, name):
    texts, answers = map(list, zip(*reviews(), strict=True))
    model = make_bundle(Path(mkdtemp()), name, texts=texts, answers=answers)
    column = pa.array(islice(varied(texts), ROWS))
    few = list(islice(varied(texts), ROWS_OF_SKLEARN))
    bundle = load_bundle(model.folder)
    on_one, on_all = BatchScorer(bundle, threads=1), BatchScorer(bundle)
    on_one.probabilities(column[:10])
    slice_ = column[: ROWS // ROUNDS]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(microseconds(lambda: on_one.probabilities(slice_), len(slice_)))
        theirs.append(microseconds(lambda: model.pipeline.predict_proba(few), len(few)))
    benchmark.pedantic(on_all.probabilities, (column,), rounds=3)
    one, other = median(ours), median(theirs)
    with capsys.disabled():
        print(f"\n{name}: {one:.2f} µs of CPU a review, sklearn {other:.2f}: {other / one:.0f} x per core")  # noqa: T201
    benchmark.extra_info |= {"us_a_review": one, "us_of_sklearn": other, "times_per_core": other / one}
