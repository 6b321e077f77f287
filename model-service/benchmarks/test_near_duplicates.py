"""What the cache of verdicts costs, beside a scan of all kept texts and beside scoring (`make bench`).

The texts are made of the sentences of the sample reviews that training ships with; the models are fitted on them here.
"""

import random
from collections.abc import Callable
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter_ns

import pytest
from lib_ml.text import clean
from model_service.domain import Model, PredictionIds, classify
from model_service.domain.near_duplicates import Guard, NearDuplicates, Standing
from model_service.domain.verdict_cache import CachedVerdicts
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein
from small_models import make_bundle

SAMPLE = Path(__file__).parents[2] / "model-training" / "sample" / "reviews.tsv"
FRESH = 2_000  # texts that were not kept, to be looked up
MAX_DISTANCE = 0.1


@cache
def reviews() -> list[tuple[str, int]]:
    rows = (line.rsplit("\t", 1) for line in SAMPLE.read_text(encoding="utf-8").splitlines()[1:])
    return [(text, int(liked)) for text, liked in rows]


@cache
def model(name: str) -> Model:
    texts, answers = zip(*reviews(), strict=True)
    return Model(make_bundle(Path(mkdtemp()), name, texts=list(texts), answers=list(answers)).scorer)


@cache
def texts(count: int) -> list[str]:
    """Different cleaned texts of 30 to 600 characters."""
    draw, found = random.Random(7), dict[str, None]()
    sentences = [text for text, _ in reviews()]
    while len(found) < count:
        found[clean(" ".join(draw.sample(sentences, draw.randint(1, 6)))[:600])] = None
    return list(found)


@cache
def kept(name: str, entries: int) -> NearDuplicates:
    memory = NearDuplicates(Guard(model(name).scorer), entries=entries, max_distance=MAX_DISTANCE)
    for text in texts(entries + FRESH)[:entries]:
        memory.keep(text, memory.look_up(text).key, b"{}", Standing(9.0, 0.0))
    return memory


def each_in_turn(call: Callable[[str], object], entries: int) -> Callable[[], object]:
    turn = cycle(texts(entries + FRESH)[entries:])
    return lambda: call(next(turn))


@pytest.mark.parametrize("entries", [10_000, 100_000])
@pytest.mark.benchmark(group="a text that was not kept")
class TestMiss:
    @pytest.mark.parametrize("name", ["v1", "v2"])
    def test_look_up(self, benchmark, name, entries):
        look_up = kept(name, entries).look_up
        benchmark.extra_info["p99_us"] = p99_us(look_up, texts(entries + FRESH)[entries:])
        benchmark(each_in_turn(look_up, entries))

    def test_scan_by_rapidfuzz(self, benchmark, entries):
        scan = partial(
            process.extractOne,
            choices=texts(entries + FRESH)[:entries],
            scorer=Levenshtein.normalized_distance,
            score_cutoff=MAX_DISTANCE,
        )
        benchmark.pedantic(each_in_turn(scan, entries), rounds=5)


@pytest.mark.parametrize("name", ["v1", "v2"])
@pytest.mark.benchmark(group="one verdict")
class TestVerdict:
    def test_scored(self, benchmark, name):
        plainly = partial(classify, PredictionIds(bytes(32)))
        benchmark(each_in_turn(lambda text: plainly(text, model(name), 0.0), 10_000))

    def test_from_the_cache(self, benchmark, name):
        ids = PredictionIds(bytes(32))
        cached = CachedVerdicts(
            partial(classify, ids), ids, Unheard(), always=True, entries=10_000, max_distance=MAX_DISTANCE
        )
        cached.prepare(model(name))
        for text in texts(10_000 + FRESH)[10_000:]:
            cached.classify(text, model(name), 0.0)
        benchmark.extra_info["pays_from_a_hit_rate_of"] = round(cached.break_even(model(name)), 3)
        benchmark(each_in_turn(lambda text: cached.classify(text, model(name), 0.0), 10_000))


class Unheard:
    def looked_up(self, *_: object):
        pass

    kept = looked_up


def p99_us(call, texts) -> float:
    times = []
    for text in texts:
        started = perf_counter_ns()
        call(text)
        times.append(perf_counter_ns() - started)
    return sorted(times)[int(len(times) * 0.99)] / 1000
