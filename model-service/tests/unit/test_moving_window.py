"""The window in which a caller's calls are counted, and what a limit is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_service.domain.caller import Caller
from model_service.domain.rate_limit import WINDOW_BYTES, MovingWindow, limited_as, read_limit


def accepted_at(times: list[float], limit: int, seconds: float) -> list[float]:
    """Of hits at these times, those that are let through."""
    record, accepted = None, []
    for now_s in times:
        window = MovingWindow(seconds, record, now_s)
        if window.hit(limit):
            record = bytes(window.record)
            accepted.append(now_s)
    return accepted


def test_a_full_window_opens_again_when_its_oldest_hit_leaves_it():
    times = [1000 + second / 10 for second in range(200)]
    accepted = accepted_at(times, limit=5, seconds=10)
    assert accepted[:5] == times[:5]
    assert 1010 <= accepted[5] <= 1010.2


@given(
    st.lists(st.floats(0, 40), min_size=1, max_size=300).map(sorted),
    st.integers(1, 20),
    st.sampled_from([1, 10, 7, 3600]),
)
def test_no_span_as_long_as_the_window_ever_has_more_than_the_limit(times, limit, seconds):
    accepted = accepted_at([50_000 + time_s for time_s in times], limit, seconds)
    for index in range(len(accepted) - limit):
        assert accepted[index + limit] - accepted[index] >= seconds - 1e-6


def test_a_steady_flood_gets_no_less_than_99_percent_of_the_limit():
    flood = [index / 100 for index in range(30_000)]
    assert len(accepted_at(flood, limit=200, seconds=10)) == pytest.approx(200 * 30, rel=0.02)


@given(st.lists(st.floats(0, 5_000), min_size=1, max_size=100).map(sorted))
def test_it_counts_as_a_list_of_times_would(times):
    record = None
    for index, now_s in enumerate(times):
        window = MovingWindow(60, record, now_s)
        near = [each for each in times[:index] if int(each / 0.6) >= int(now_s / 0.6) - 100]
        assert window.hits == len(near)
        window.hit(10_000)
        record = bytes(window.record)
        assert len(record) == WINDOW_BYTES


def test_when_the_oldest_hits_leave_is_when_there_is_room_again():
    times = random.Random(3)
    record = None
    for now_s in sorted(times.uniform(1_000, 1_005) for _ in range(50)):
        window = MovingWindow(60, record, now_s)
        window.hit(50)
        record = bytes(window.record)
    full = MovingWindow(60, record, 1_010)
    assert not full.hit(50)
    leaves_s = full.oldest_leaves_s()
    assert not MovingWindow(60, record, leaves_s - 0.01).hit(50)
    assert MovingWindow(60, record, leaves_s + 0.01).hit(50)


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [("100/minute", 100, 60), ("200 per 10 seconds", 200, 10), ("5/2 hours", 5, 7200), ("1 per day", 1, 86_400)],
)
def test_limits_are_read(text, amount, seconds):
    limit = read_limit(text)
    assert (limit.amount, limit.get_expiry()) == (amount, seconds)


@pytest.mark.parametrize(
    "text", ["", "100", "minute", "0/minute", "-1/minute", "5/0 seconds x", "1/s; 2/s", "1e3/hour"]
)
def test_what_is_no_limit_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="100/minute"):
        read_limit(text)


@pytest.mark.parametrize(
    ("caller", "who"),
    [
        (Caller("kiosk", "10.0.0.1"), ("token", "kiosk")),
        (Caller(None, "10.0.0.1"), ("address", "10.0.0.1")),
        (Caller(None, "2001:db8:1:2:3::4"), ("address", "2001:db8:1:2::/64")),
        (Caller(None, "2001:db8:1:2:ffff::9"), ("address", "2001:db8:1:2::/64")),
        (Caller(None, "fe80::1%eth0"), ("address", "fe80::/64")),
    ],
)
def test_a_token_counts_by_its_name_and_an_address_by_itself_or_its_network(caller, who):
    assert limited_as(caller) == who
