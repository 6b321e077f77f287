"""Limits over several processes: exact, bounded, and at peace with a Redis that dies."""

import multiprocessing
import time

import pytest
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from model_service.adapters import shared_windows
from model_service.adapters.rate_limits import RateLimits
from model_service.adapters.redis_windows import RedisWindows
from model_service.adapters.shared_windows import SharedWindows
from model_service.domain.rate_limit import read_limit

FORK = multiprocessing.get_context("fork")
LIMIT = read_limit("200/10 seconds")


def hit_from(processes: int, hits: int, open_windows) -> int:
    """How many of the hits that these processes make at once are let through."""

    def hit(accepted) -> None:
        limiter = MovingWindowRateLimiter(open_windows())
        accepted.put(sum(limiter.hit(LIMIT, "address", "10.0.0.1") for _ in range(hits)))

    accepted = FORK.SimpleQueue()
    workers = [FORK.Process(target=hit, args=(accepted,)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    sums = [accepted.get() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(sums)


def test_several_processes_let_through_exactly_the_limit(tmp_path):
    assert hit_from(3, 200, lambda: SharedWindows(f"palate-windows://{tmp_path}/windows")) == 200


def test_through_redis_too(tmp_path, redis_server):
    assert hit_from(3, 200, lambda: RedisWindows(redis_server.url, tmp_path / "windows")) == 200


def test_limits_finds_it_by_its_scheme(tmp_path):
    windows = storage_from_string(f"palate-windows://{tmp_path}/windows")
    limiter = MovingWindowRateLimiter(windows)
    assert windows.check()
    assert limiter.hit(LIMIT, "token", "kiosk")
    assert limiter.get_window_stats(LIMIT, "token", "kiosk").remaining == 199
    limiter.clear(LIMIT, "token", "kiosk")
    assert limiter.get_window_stats(LIMIT, "token", "kiosk").remaining == 200
    limiter.hit(LIMIT, "token", "kiosk")
    assert windows.reset() == 1
    assert limiter.get_window_stats(LIMIT, "token", "kiosk").remaining == 200
    windows.close()


def test_the_number_of_callers_is_bounded_and_a_busy_one_is_not_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_windows, "MAX_CALLERS", 50)
    windows = SharedWindows(f"palate-windows://{tmp_path}/windows")
    limiter, busy = MovingWindowRateLimiter(windows), 0
    now_s = [1_000.0]
    monkeypatch.setattr(shared_windows, "monotonic", lambda: now_s[0])
    hour = read_limit("100/hour")
    for index in range(400):
        now_s[0] += 1
        limiter.hit(hour, "address", f"10.{index % 3}.{index % 256}.{index}")
        if index % 5 == 0:
            busy += limiter.hit(hour, "address", "10.1.128.7")
    assert windows._windows.stat()["entries"] == 50
    assert limiter.get_window_stats(hour, "address", "10.1.128.7").remaining == 100 - busy
    windows.close()


def test_windows_that_can_not_be_written_keep_nobody_out(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_windows, "_MAP_BYTES", 32_768)
    limits = RateLimits(None, lambda: tmp_path)
    standings = [limits.hit(LIMIT, "address", f"10.0.0.{index}") for index in range(200)]
    assert standings[0] is not None
    assert standings[-1] is None
    limits._limiter.storage.close()


def test_redis_may_die_and_come_back_empty_and_the_limit_holds_throughout(tmp_path, redis_server):
    limits = RateLimits(redis_server.url, lambda: tmp_path)
    minute = read_limit("90/minute")
    accepted, longest_s = 0, 0.0

    def hit(times: int) -> None:
        nonlocal accepted, longest_s
        for _ in range(times):
            started = time.perf_counter()
            standing = limits.hit(minute, "token", "kiosk")
            longest_s = max(longest_s, time.perf_counter() - started)
            accepted += standing.allowed

    hit(30)
    redis_server.kill()
    hit(30)
    assert accepted == 60
    redis_server.start()
    deadline = time.monotonic() + 10
    while not limits._limiter.storage.check():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    hit(100)
    assert accepted == 90
    assert longest_s < 0.5
    limits._limiter.storage.close()


def test_two_machines_share_one_limit_through_redis(tmp_path, redis_server):
    machines = [RateLimits(redis_server.url, lambda name=name: tmp_path / name) for name in ("one", "other")]
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    accepted = [machines[index % 2].hit(LIMIT, "token", "kiosk").allowed for index in range(300)]
    assert sum(accepted) == 200
    standing = machines[0].hit(LIMIT, "token", "kiosk")
    assert (standing.allowed, standing.remaining) == (False, 0)
    assert 1 <= standing.reset_s <= 11
    for machine in machines:
        machine._limiter.storage.close()


@pytest.mark.parametrize("asked", ["incr", "get", "get_expiry"])
def test_what_only_other_strategies_need_is_refused_and_not_wrong(tmp_path, asked):
    windows = SharedWindows(f"palate-windows://{tmp_path}/windows")
    with pytest.raises(NotImplementedError):
        getattr(windows, asked)("key", *([60] if asked == "incr" else []))
    windows.close()
