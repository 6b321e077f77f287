from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_service.domain import Prediction, PredictionIds
from model_service.domain.prediction_id import MODERATION, VERDICT

MODEL = bytes.fromhex("e6a1b2c3d4e5f607")
IDS = PredictionIds(b"k" * 32)
ID = IDS.issue(MODEL, 1, 1_800_000_000.1234)


def test_an_id_says_when_what_and_by_which_model():
    assert IDS.read(ID) == Prediction(1_800_000_000.123, 1, "e6a1b2c3d4e5f607")


def test_an_id_fits_into_an_address_as_it_is():
    assert len(ID) == 56
    assert ID.replace("-", "").replace("_", "").isalnum()


def test_no_two_predictions_share_an_id():
    assert len({IDS.issue(MODEL, 1, 1.0) for _ in range(1_000)}) == 1_000


def test_a_batch_s_ids_are_as_good_as_others_and_all_different():
    issue = IDS.issuer(MODEL, 2, 1_800_000_000.1234, 1_000)
    ids = [issue(number % 2) for number in range(1_000)]
    assert len(set(ids)) == 1_000
    assert [IDS.read(each) for each in ids[:2]] == [
        Prediction(1_800_000_000.123, index, "e6a1b2c3d4e5f607") for index in (0, 1)
    ]
    with pytest.raises(StopIteration):
        issue(0)


def test_an_id_says_what_was_given_out_and_one_of_a_kind_to_come_is_not_ours():
    assert [IDS.read(IDS.issue(MODEL, 1, 1.0, kind)).kind for kind in (VERDICT, MODERATION)] == [1, 2]
    assert IDS.read(IDS.issue(MODEL, 1, 1.0, 3)) is None


def test_an_id_given_out_before_kinds_were_told_apart_is_still_ours():
    old = "AQGjGFxQewHmobLD1OX2BwABAgMEBQYHCAkqI9_Y38gWkzbWgLRsF_dF"
    assert IDS.read(old) == Prediction(1_800_000_000.123, 1, "e6a1b2c3d4e5f607")


@pytest.mark.parametrize("at", range(42))
def test_an_id_with_any_bit_changed_is_not_ours(at):
    raw = bytearray(urlsafe_b64decode(ID))
    raw[at] ^= 1
    assert IDS.read(urlsafe_b64encode(raw).decode()) is None


def test_an_id_of_another_key_is_not_ours_and_replicas_with_the_same_key_agree():
    assert PredictionIds(b"x" * 32).read(ID) is None
    assert PredictionIds(b"k" * 32).read(ID) is not None


@given(st.text(max_size=80))
def test_what_nobody_signed_is_not_ours(made_up):
    assert IDS.read(made_up) is None


ODD = ["", ID[:-1], ID + "A", ID + "=", ID + "\n", "\n" + ID, ID.lower(), "é" * 56]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))  # an id is random, and a test's name must not be
def test_an_id_that_lost_or_gained_something_is_not_ours(odd):
    assert IDS.read(odd) is None


def test_a_short_key_is_refused_and_a_long_one_is_used_whole():
    with pytest.raises(ValueError, match="31 bytes, fewer than 32"):
        PredictionIds(b"k" * 31)
    long = PredictionIds(b"k" * 100 + b"a").issue(MODEL, 0, 1.0)
    assert PredictionIds(b"k" * 100 + b"b").read(long) is None
