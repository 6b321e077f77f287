"""When to ask again, and when to stop asking."""

from datetime import timedelta

from review_app.domain.breaker import Breaker
from review_app.domain.feedback import retry_after


def test_pauses_double_up_to_a_minute():
    pauses = [retry_after(attempts) for attempts in (0, 1, 2, 7, 10_000)]
    assert pauses == [timedelta(seconds=s) for s in (0.5, 1, 2, 60, 60)]


def test_the_breaker_opens_after_one_silence():
    breaker = Breaker(lambda: 0.0)
    breaker.timed_out()
    assert not breaker.admits()


def test_the_breaker_opens_after_five_failures_and_lets_one_try_through_at_a_time():
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(4):
        breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    now[0] = 0.6
    assert breaker.admits()
    now[0] = 1.7
    assert not breaker.admits(), "the try of 0.6 is still on its way"
    breaker.failed()
    now[0] = 2.1
    assert not breaker.admits()
    now[0] = 2.3
    assert breaker.admits()
    now[0] = 4.4
    assert breaker.admits(), "a try that was never heard of again holds nobody back for ever"
    breaker.succeeded()
    assert breaker.admits()
    assert breaker.admits()
