"""When to ask again, and when to stop asking."""

from datetime import timedelta

from review_app.domain.breaker import Breaker
from review_app.domain.feedback import retry_after


def test_pauses_double_up_to_a_minute():
    pauses = [retry_after(attempts) for attempts in (0, 1, 2, 7, 10_000)]
    assert pauses == [timedelta(seconds=s) for s in (0.5, 1, 2, 60, 60)]


def test_the_breaker_opens_after_five_failures_and_lets_one_try_through_per_pause():
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(4):
        breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    now[0] = 0.6
    assert breaker.admits()
    assert not breaker.admits()
    breaker.succeeded()
    assert breaker.admits()
    assert breaker.admits()
