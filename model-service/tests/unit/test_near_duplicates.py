"""The index beside a brute-force scan, and what it must never take for the same."""

import random
from collections import Counter
from threading import Thread

import pytest
from altered_texts import altered, reviews
from lib_ml.features import negation
from lib_ml.text import clean, words
from model_service.domain.near_duplicates import CANDIDATES, LIGHT, Guard, NearDuplicates, Standing
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein
from small_models import TEXTS, make_bundle

MAX_DISTANCE = 0.1
ALWAYS_SAID = frozenset("not no never hardly without one two three ten hundred but".split())


@pytest.fixture(scope="module", params=["v1", "v2"])
def scorer(request, tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle"), request.param).scorer


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("rich"), "v2").scorer


def index(scorer, *texts: str, entries=10_000, max_distance=MAX_DISTANCE, lead=9.0, furthest=0.0):
    made = NearDuplicates(Guard(scorer), entries=entries, max_distance=max_distance)
    for text in map(clean, texts):
        made.keep(text, made.look_up(text).key, text.encode(), Standing(lead, furthest))
    return made


class BruteForce:
    """Says of two texts whether they are near-duplicates, from the definition alone."""

    def __init__(self, scorer) -> None:
        self._scorer = scorer

    def alike(self, ours, theirs):
        distance = Levenshtein.distance(ours, theirs) / max(len(ours), len(theirs))
        return (
            distance <= MAX_DISTANCE
            and self.said(ours) == self.said(theirs)
            and self.weighty(ours) == self.weighty(theirs) != []
            and sum(self._scorer.weight(word) * n for word, n in self.differing(ours, theirs)) <= LIGHT
        )

    def said(self, text):
        pairs = zip(*negation(text, 3), strict=True)
        kept = [(word, inside) for word, inside in pairs if inside or word in ALWAYS_SAID or not word.isalpha()]
        free = (sign.isalnum() or sign.isspace() or sign in "_.,'\"-" for sign in text)
        return kept, "".join(" " if passed else sign for sign, passed in zip(text, free, strict=True)).split()

    def weighty(self, text):
        heavy = [word for word in words(text) if self._scorer.knows(word) and self._scorer.weight(word) > LIGHT]
        return heavy + [word for word in words(text) if word in ALWAYS_SAID or not word.isalpha()]

    def differing(self, ours, theirs):
        ours, theirs = Counter(words(ours)), Counter(words(theirs))
        return ((ours - theirs) + (theirs - ours)).items()


def test_ten_thousand_texts_find_what_a_scan_of_all_finds(scorer):
    draw = random.Random(20261121)
    texts = reviews(draw, 400)
    brute, near = BruteForce(scorer), index(scorer, *texts)
    kept, wrong, missed, hits, close = list(near._kept), 0, 0, 0, 0
    for _ in range(10_000):
        asked = draw.choice(kept)
        for _ in range(draw.choice([1, 1, 2, 3])):
            asked = clean(altered(draw, asked)) or asked
        within = process.extract(
            asked, kept, scorer=Levenshtein.normalized_distance, score_cutoff=MAX_DISTANCE + 0.01, limit=None
        )
        alike = {text for text, _, _ in within if text == asked or brute.alike(text, asked)}
        found = near.look_up(asked)
        close += bool(within)
        hits += found.value is not None
        wrong += found.value is not None and found.value.decode() not in alike
        missed += found.value is None and bool(alike)
    assert (wrong, missed) == (0, 0)
    assert hits > 500, f"{hits} of {close} texts within the distance"


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("the food was good and the room was warm", "the food was not good and the room was warm"),
        ("we would come back for the noodles here", "we wouldn't come back for the noodles here"),
        ("they do serve fresh fish in the harbour", "they dont serve fresh fish in the harbour"),
        ("we waited 10 minutes for the lovely soup", "we waited 40 minutes for the lovely soup"),
        ("we waited one hour for the lovely soup now", "we waited two hours for the lovely soup now"),
        ("lovely soup and the kindest waiter in town :)", "lovely soup and the kindest waiter in town :("),
        ("no, the soup was great in this place today", "the soup was no great in this place today"),
        ("great soup and a lovely warm room as well", "great soup but a lovely warm room as well"),
        ("the staff were friendly and the bread warm", "the staff were unfriendly and the bread warm"),
        ("a really lovely soup for a rainy evening", "a really lousy soup for a rainy evening"),
    ],
)
def test_a_turned_meaning_is_never_found(rich, kept, asked):
    assert Levenshtein.normalized_distance(kept, asked) <= 0.25
    assert index(rich, kept, max_distance=0.25).look_up(asked).value is None


def test_a_text_that_differs_in_signs_without_meaning_is_found_with_its_distance(rich):
    found = index(rich, "Lovely soup, and the kindest waiter in town").look_up(
        "lovely soup and the kindest waiter in town"
    )
    assert found.value == b"lovely soup, and the kindest waiter in town"
    assert found.distance == pytest.approx(1 / 43)


def test_the_same_text_is_found_at_distance_0_also_without_any_word_that_the_model_knows(rich):
    found = index(rich, "xyzzy plugh xyzzy plugh").look_up("xyzzy plugh xyzzy plugh")
    assert (found.value, found.distance) == (b"xyzzy plugh xyzzy plugh", 0.0)


def test_the_threshold_itself_is_still_a_hit_and_one_edit_more_is_none(scorer):
    text = "great food, great prices" + "," * 6
    kept = index(scorer, text)
    assert len(text) == 30
    assert kept.look_up(text[:-3]).distance == pytest.approx(0.1)
    assert kept.look_up(text[:-4]).value is None


def test_max_distance_0_finds_the_same_text_alone(scorer):
    kept = index(scorer, "great food, great prices, great mood", max_distance=0)
    assert kept.look_up("great food, great prices, great mood").value
    assert kept.look_up("great food, great prices, great mood.").value is None


@pytest.mark.parametrize(
    ("lead", "furthest", "served"), [(9.0, 0.0, True), (1.1, 0.0, True), (0.9, 0.0, False), (2.0, 90.0, False)]
)
def test_a_verdict_near_its_border_or_hard_to_scale_is_for_its_own_text_alone(rich, lead, furthest, served):
    kept = index(rich, "lovely soup, and the kindest waiter in town", lead=lead, furthest=furthest)
    assert kept.look_up("lovely soup, and the kindest waiter in town").value
    assert (kept.look_up("lovely soup and the kindest waiter in town").value is not None) == served


def test_what_was_not_asked_for_longest_is_forgotten_and_leaves_nothing_behind(scorer):
    texts = [clean(f"{text} and so on") for text in TEXTS]
    near = index(scorer, *texts, entries=10)
    assert len(near) == 10
    assert sum(map(len, near._alike.values())) <= 10
    assert near.look_up(texts[0]).value is None
    near.look_up(texts[-10])
    near.keep(
        "one text more, and a good one", near.look_up("one text more, and a good one").key, b"", Standing(1.0, 0.0)
    )
    assert near.look_up(texts[-10]).value
    assert near.look_up(texts[-9]).value is None


def test_however_many_texts_are_alike_few_are_measured(scorer):
    alike = [f"great food, great prices, great mood{',' * n}" for n in range(3, 3 * CANDIDATES)]
    near = index(scorer, *alike, max_distance=0)
    near = index(scorer)
    for text in alike:
        near.keep(text, near._guard.key(text), b"", Standing(9.0, 0.0))
    assert [len(bucket) for bucket in near._alike.values()] == [CANDIDATES]
    assert all(near.look_up(text).value is not None for text in alike)


def test_threads_share_it(scorer):
    near, faults = index(scorer, entries=50), []

    def use(seed) -> None:
        draw = random.Random(seed)
        try:
            for text in reviews(draw, 300):
                found = near.look_up(text)
                if found.value is None:
                    near.keep(text, found.key, text.encode(), Standing(9.0, 0.0))
                elif found.distance == 0 and found.value != text.encode():
                    faults.append(text)
        except Exception as error:  # noqa: BLE001 - a thread's exception would be lost
            faults.append(error)

    threads = [Thread(target=use, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(near) <= 50
    assert {text for bucket in near._alike.values() for text in bucket} <= set(near._kept)
