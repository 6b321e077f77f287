"""Names of bounded length, days that are added up."""

from hypothesis import given
from hypothesis import strategies as st
from model_service.domain.statistics import DAYS, Row, series
from model_service.domain.usage import NAME_BYTES, bounded_name, days_of_use


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_a_name_takes_at_most_64_bytes_and_a_short_one_stays(name):
    bounded = bounded_name(name)
    assert len(bounded.encode()) <= NAME_BYTES
    assert bounded == name or len(name.encode()) > NAME_BYTES


def test_long_names_that_begin_alike_stay_apart():
    assert bounded_name("jwt:" + "a" * 100) != bounded_name("jwt:" + "a" * 101)


def test_the_writers_of_a_window_are_added_up_and_empty_windows_are_zero():
    rows = [Row("minute", 7, "a", "", {"health": 2}), Row("minute", 7, "b", "", {"health": 3, "predict": 9})]
    assert series(rows, 6, 8, "health") == [0, 5, 0]


def test_days_are_named_by_their_date():
    rows = [Row("day", 20_000, writer, "kiosk", {"calls": 2, "characters": 30}) for writer in "ab"]
    assert days_of_use(rows, 19_999, 20_000) == [
        {"day": "2024-10-03", "calls": 0, "characters": 0},
        {"day": "2024-10-04", "calls": 4, "characters": 60},
    ]
    assert DAYS.seconds * 20_000 == 1_728_000_000
