"""The compiled path against the one-text path: whatever stands in a column, the numbers are the same."""

import logging
import math
import os
import subprocess
import sys
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lib_ml.batch import BatchScorer, compiled
from lib_ml.batch import scorer as batch_scorer
from lib_ml.batch.alphabet import Alphabet
from lib_ml.batch.tables import NotCompiled, open_addressing
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
from lib_ml.text import clean
from pyarrow import parquet
from small_models import MODELS, MODERATORS, TEXTS, make_moderator

TOLERANCE = 1e-9
ODD_TEXTS = [
    "",
    " \t\n\x1c ",
    "\x00",
    "good\x00food not\x00good",
    "😋🍕👨‍👩‍👧 not 🙂",
    "e\u0301a\u0308 Z\u0351\u036b\u0343",
    "İSTANBUL ıI iİ ΣΑΣ",
    "\u202eruoy ti ekil I\u202c שלום مرحبا",
    "but but but not not not good",
    "wasn't good — isn’t “bad” … crème brûlée, ½ off™ \u00a0soup\u2028food",
    "'good' good' 'good rock'n'roll n't 'n't don''t",
    "¬not:good not_good __ not:good",
    "\ufdfa ½ ﬀ ª 한국어 漢字 ก็",
    "a" * 30_000,
    "😋" * 7_500,
    "not good, " * 3_000,
    "extraordinarily extraordinarilx extraordin",
]
SPOKEN = st.lists(st.sampled_from("not good bad but , . never soup wasn't wasn’t the waiter 😋 — GREAT brûlée".split()))
ODD_SIGNS = "😋👩\u200d🍳\u0301\u0308İıiIſßΣς\u202e\u200fשلםم\0\u200b\ufdfa½ﬁª'’ʼ´¨.,!?—–…\u00a0\u2028 \n\tabntGOOD_é가"
ANY_TEXT = st.one_of(st.text(max_size=200), st.text(ODD_SIGNS, max_size=100), SPOKEN.map(" ".join))
COLUMN = st.lists(st.one_of(st.none(), ANY_TEXT), max_size=8)
LENIENT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@cache
def batch_of(folder: Path) -> BatchScorer:
    scorer = BatchScorer(load_bundle(folder), threads=2)
    assert scorer.hint is None
    return scorer


def one_by_one(scorer: Scorer, texts: list[str | None]) -> np.ndarray:
    nothing = (math.nan, math.nan)
    return np.array([nothing if text is None else scorer.probabilities(text) for text in texts]).reshape(-1, 2)


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and np.allclose(found, expected, rtol=0, atol=TOLERANCE, equal_nan=True)


@pytest.mark.parametrize("name", MODELS)
def test_a_column_of_odd_texts_gets_what_the_one_text_path_gives(trained, name):
    model = trained(name)
    texts = [*ODD_TEXTS, *TEXTS, None]
    assert same(batch_of(model.folder).probabilities(pa.array(texts)), one_by_one(model.scorer, texts))


@pytest.mark.parametrize("name", MODELS)
@LENIENT
@given(texts=COLUMN)
def test_a_column_of_any_texts_gets_what_the_one_text_path_gives(trained, name, texts):
    model = trained(name)
    column = pa.array(texts, pa.string())
    assert same(batch_of(model.folder).probabilities(column), one_by_one(model.scorer, texts))


@pytest.fixture(scope="module")
def moderators(tmp_path_factory):
    return {name: make_moderator(tmp_path_factory.mktemp(name), name) for name in MODERATORS}


@pytest.mark.parametrize("name", MODERATORS)
@settings(LENIENT, max_examples=20)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=8))
def test_several_labels_and_hidden_units_get_what_the_one_text_path_gives(moderators, name, texts):
    model = moderators[name]
    found = batch_of(model.folder).probabilities(pa.array([*texts, *ODD_TEXTS]))
    assert same(found, np.array([model.scorer.probabilities(text) for text in [*texts, *ODD_TEXTS]]))


@pytest.mark.parametrize("name", ["v1", "v2"])
@settings(LENIENT, max_examples=5)
@given(piece=ANY_TEXT.filter(bool))
def test_thirty_kilobytes_of_anything_get_what_the_one_text_path_gives(trained, name, piece):
    model = trained(name)
    texts = [(piece * 30_000)[:30_000]]
    assert same(batch_of(model.folder).probabilities(pa.array(texts)), one_by_one(model.scorer, texts))


@settings(max_examples=100, deadline=None)
@given(order=st.permutations([code for code in Alphabet(()).codes.nonzero()[0].tolist() if code >= 128][::7]))
def test_signs_that_are_cleaned_alone_are_cleaned_so_in_company(order):
    signs = [chr(code) for code in order]
    assert clean("".join(signs)) == "".join(map(clean, signs))


@pytest.mark.parametrize(
    "column",
    [
        lambda texts: pa.array(texts, pa.large_string()),
        lambda texts: pa.array(texts, pa.string_view()),
        lambda texts: pa.array(texts).dictionary_encode(),
        lambda texts: pa.array([*texts, "unnamed"]).dictionary_encode().slice(0, len(texts)),
        lambda texts: pa.array(["before", None, *texts, "after"]).slice(2, len(texts)),
        lambda texts: pa.chunked_array([texts[:3], [], texts[3:]], pa.string()),
        lambda texts: pa.chunked_array(
            [pa.array(texts[:5]).dictionary_encode(), pa.array(texts[5:]).dictionary_encode()]
        ),
        lambda texts: of_another_library("__arrow_c_array__", pa.array(texts)),
        lambda texts: of_another_library("__arrow_c_stream__", pa.chunked_array([texts])),
    ],
    ids="large view dictionary unnamed slice chunked dictionaries array-protocol stream-protocol".split(),
)
def test_whatever_the_column_is_made_of_the_numbers_are_the_same(trained, column):
    model = trained("v2")
    texts = [*TEXTS[:4], None, "", "crème", *TEXTS[:4], None]
    assert same(batch_of(model.folder).probabilities(column(texts)), one_by_one(model.scorer, texts))


def of_another_library(protocol, array):
    """A column known by nothing but Arrow's protocol."""
    return type("Column", (), {protocol: lambda _, schema=None: getattr(array, protocol)(schema)})()


@pytest.mark.parametrize("empty", [pa.array([], pa.string()), pa.chunked_array([], pa.string())])
def test_no_rows_give_no_rows(trained, empty):
    assert batch_of(trained("v1").folder).probabilities(empty).shape == (0, 2)


def test_a_column_of_nulls_gets_nothing_but_nan(trained):
    assert np.isnan(batch_of(trained("v1").folder).probabilities(pa.nulls(3))).all()


@pytest.mark.parametrize("column", [["a list"], pa.array([1]), pa.array([b"bytes"]), pa.array([1]).dictionary_encode()])
def test_what_is_no_column_of_texts_is_refused(trained, column):
    with pytest.raises(TypeError, match="column"):
        batch_of(trained("v1").folder).probabilities(column)


def column_of(letters: bytes, offsets: list[int]) -> pa.Array:
    buffers = [None, pa.py_buffer(np.array(offsets, np.int32).tobytes()), pa.py_buffer(letters)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


@pytest.mark.parametrize("offsets", [[0, 9], [-3, 1], [2, 1], [0, 3, 1, 2]])
def test_offsets_that_point_outside_the_data_are_refused(trained, offsets):
    with pytest.raises(ValueError, match=r"(?i)offset"):
        batch_of(trained("v1").folder).probabilities(column_of(b"soup", offsets))


@pytest.mark.parametrize(
    "letters", [b"soup\xe9", b"\xc3", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xff", b"\xe2\x28\xa1", b"\xed\xa0\x80"]
)
def test_bytes_that_are_no_text_are_refused(trained, letters):
    with pytest.raises(ValueError, match="utf-8"):
        batch_of(trained("v1").folder).probabilities(column_of(letters, [0, len(letters)]))


def test_what_stands_under_a_null_is_never_read(trained):
    buffers = [
        pa.py_buffer(b"\x02"),
        pa.py_buffer(np.array([0, 2, 6], np.int32).tobytes()),
        pa.py_buffer(b"\xff\xffsoup"),
    ]
    model = trained("v1")
    found = batch_of(model.folder).probabilities(pa.Array.from_buffers(pa.string(), 2, buffers))
    assert same(found, one_by_one(model.scorer, [None, "soup"]))


def test_a_column_longer_than_a_threads_share_keeps_its_order(trained):
    model = trained("v2")
    texts = (TEXTS * 500)[:18_000]
    one = one_by_one(model.scorer, TEXTS)
    expected = np.vstack([one] * 500)[:18_000]
    assert same(batch_of(model.folder).probabilities(pa.array(texts)), expected)


def test_a_file_is_read_batch_by_batch(trained, tmp_path):
    parquet.write_table(pa.table({"id": range(40), "text": TEXTS}), tmp_path / "reviews.parquet")
    model = trained("v2")
    batches = list(batch_of(model.folder).probabilities_of_parquet(tmp_path / "reviews.parquet", "text", rows=15))
    assert [len(batch) for batch in batches] == [15, 15, 10]
    assert same(np.vstack(batches), one_by_one(model.scorer, TEXTS))


def test_more_signs_than_there_are_bytes_take_the_one_text_path():
    """The vocabulary's rarest signs find no byte; a text with one must not be taken for one without."""
    many = [chr(code) for code in range(0x2200, 0x2300)]
    alphabet = Alphabet([*many, *many[:100]])
    assert alphabet.encode_term(many[0]) is not None
    assert alphabet.encode_term(many[200]) is None
    assert alphabet.codes[ord(many[200])] == 0


def test_two_words_of_one_hash_are_found_out():
    with pytest.raises(NotCompiled, match="same hash"):
        open_addressing(np.array([5, 7, 5], np.uint64), np.arange(3, dtype=np.int32))


def test_without_a_compiler_the_numbers_are_the_same_and_the_hint_comes_once(trained, monkeypatch, caplog):
    monkeypatch.setattr(compiled, "find_spec", lambda _: None)
    batch_scorer._say_once.cache_clear()
    model = trained("v2")
    with caplog.at_level(logging.WARNING):
        scorers = [BatchScorer(load_bundle(model.folder)) for _ in range(3)]
    assert [scorer.hint for scorer in scorers] == ["numba is not installed; the extra `batch` of lib-ml brings it"] * 3
    assert [record.name for record in caplog.records] == ["lib_ml.batch.scorer"]
    texts = [*ODD_TEXTS, None]
    assert same(scorers[0].probabilities(pa.array(texts)), one_by_one(model.scorer, texts))


UNCOMPILED = """
import sys, numpy as np, pyarrow as pa
from pathlib import Path
from lib_ml.batch import BatchScorer
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
texts = ["Not good, but “crème” wasn't bad — extraordinarily so 😋", "soup e\\u0301", "", "wouldn't extraordinarilx"]
for folder in sys.argv[1:]:
    bundle = load_bundle(Path(folder))
    found, one = BatchScorer(bundle).probabilities(pa.array(texts)), Scorer(bundle)
    assert np.allclose(found, [one.probabilities(text) for text in texts], rtol=0, atol=1e-9)
"""


def test_the_kernel_is_plain_python_too(trained):
    """Without the compiler between, a fault in it and a fault in the kernel can be told apart."""
    folders = [str(trained(name).folder) for name in ("v1", "v2", "sublinear", "complement", "valence")]
    warnings = ["-W", "ignore::RuntimeWarning"]  # plain numpy says of each product of hashes that it overflows
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, *warnings, "-c", UNCOMPILED, *folders], check=True, env=environment, timeout=120)


def test_unicodes_version_is_the_one_that_the_list_of_scripts_was_made_for():
    """Another Unicode may compose other signs: then read `alphabet` again, and the test of signs in company."""
    assert unicodedata.unidata_version.split(".")[0] in {"14", "15", "16", "17"}
