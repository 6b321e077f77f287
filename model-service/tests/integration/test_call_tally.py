"""The tally in memory: exact over threads and processes, whoever dies, whatever the clock does."""

import multiprocessing
import os
import signal
import threading
import time

import pytest
from model_service.adapters import call_tally
from model_service.adapters.call_tally import CallTally
from model_service.domain.statistics import APIS, DAYS, WINDOWS, series
from model_service.domain.usage import OTHERS

HEALTH = APIS.index("health")
NOW_S = 1_700_000_000.0
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def clock(monkeypatch):
    """Set `clock.now_s` to move it."""

    class Clock:
        now_s = NOW_S

        def __call__(self) -> float:
            return self.now_s

    clock = Clock()
    monkeypatch.setattr(call_tally, "time", clock)
    return clock


def worker(folder, number: int) -> CallTally:
    tally = CallTally()
    tally.join(folder, number)
    return tally


def calls(tally: CallTally, window: str, now_s: float, api: str = "health") -> int:
    number = WINDOWS[window].number(now_s)
    return series(tally.calls(WINDOWS[window], number, number), number, number, api)[0]


@pytest.mark.usefixtures("clock")
def test_every_worker_sees_at_once_what_all_have_counted(tmp_path):
    first, second = worker(tmp_path, 0), worker(tmp_path, 1)
    for tally, times in ((first, 3), (second, 4)):
        for _ in range(times):
            tally.count(HEALTH)
            for reader in (first, second):
                assert calls(reader, "second", NOW_S) == calls(reader, "hour", NOW_S)
    assert calls(first, "minute", NOW_S) == calls(second, "minute", NOW_S) == 7
    assert calls(first, "minute", NOW_S, "predict") == 0


@pytest.mark.usefixtures("clock")
def test_threads_do_not_lose_a_call(tmp_path):
    tally = worker(tmp_path, 0)

    def count() -> None:
        for _ in range(5_000):
            tally.count(HEALTH)
            tally.meter("kiosk", 3)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls(tally, "minute", NOW_S) == 40_000
    today = DAYS.number(NOW_S)
    (row,) = tally.metered("kiosk", today, today)
    assert row.counts == {"calls": 40_000, "characters": 120_000}


def test_a_killed_worker_s_counts_stay_and_its_successor_goes_on_with_them(tmp_path, clock):
    def count_and_hang() -> None:
        tally = worker(tmp_path, 1)
        for _ in range(100):
            tally.count(HEALTH)
        (tmp_path / "done").touch()
        time.sleep(60)

    reader = worker(tmp_path, 0)
    for _ in range(2):
        (tmp_path / "done").unlink(missing_ok=True)
        process = FORK.Process(target=count_and_hang)
        process.start()
        while not (tmp_path / "done").exists():
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert calls(reader, "hour", clock.now_s) == 200
    successor = worker(tmp_path, 1)
    assert sum(row.counts["health"] for row in successor.unstored(everything=False) if row.window == "hour") == 200


def test_windows_end_and_old_ones_give_their_place_to_new_ones(tmp_path, clock):
    tally = worker(tmp_path, 0)
    tally.count(HEALTH)
    clock.now_s += 60
    tally.count(HEALTH)
    assert [calls(tally, window, clock.now_s) for window in ("second", "minute", "hour")] == [1, 1, 2]
    assert calls(tally, "minute", NOW_S) == 1
    clock.now_s += 40 * 86_400
    tally.count(HEALTH)
    assert [calls(tally, window, clock.now_s) for window in ("second", "minute", "hour")] == [1, 1, 1]


@pytest.mark.parametrize("step_s", [3_600, -3_600, 1_800, -1_799])
def test_a_clock_that_jumps_an_hour_loses_no_call(tmp_path, clock, step_s):
    tally = worker(tmp_path, 0)
    for _ in range(7_300):
        tally.count(HEALTH)
        clock.now_s += 1
    clock.now_s += step_s
    for _ in range(600):
        tally.count(HEALTH)
        clock.now_s += 1
    for name in ("minute", "hour"):
        ring = tally._mine.ring(WINDOWS[name])
        assert ring[:, 2:].sum() == 7_900, name
    last = WINDOWS["second"].number(clock.now_s)
    seconds = series(tally.calls(WINDOWS["second"], last - 599, last), last - 599, last, "health")
    assert seconds[-1] >= 0
    assert all(each in {1, 2} for each in seconds[:-1])


@pytest.mark.usefixtures("clock")
def test_what_is_stored_is_not_given_again_until_it_grows(tmp_path):
    tally = worker(tmp_path, 0)
    tally.count(HEALTH)
    tally.meter("kiosk", 3)
    rows = tally.unstored(everything=False)
    assert {row.window for row in rows} == {"second", "minute", "hour", "day"}
    tally.count(HEALTH)
    tally.stored(rows)
    assert {row.counts["health"] for row in tally.unstored(everything=False)} == {2}
    tally.stored(tally.unstored(everything=False))
    assert tally.unstored(everything=False) == []
    assert len(tally.unstored(everything=True)) == 4


def test_names_are_bounded_and_those_without_room_are_summed(tmp_path, clock):
    tally = worker(tmp_path, 0)
    for index in range(2_000):
        tally.meter(f"jwt:user-{index}", 1)
    today = DAYS.number(NOW_S)
    (others,) = tally.metered(OTHERS, today, today)
    (first,) = tally.metered("jwt:user-0", today, today)
    assert first.counts["calls"] == 1
    assert others.counts["calls"] == 2_000 - call_tally._NAMED_ENTRIES
    tally.stored(tally.unstored(everything=False))
    clock.now_s += 2 * 86_400
    tally.meter("jwt:user-1999", 1)
    assert len(tally.metered("jwt:user-1999", today + 2, today + 2)) == 1, "the days before yesterday made room"
    assert tally.metered("jwt:user-0", today, today) == []


@pytest.mark.usefixtures("clock")
def test_a_file_takes_what_it_takes_from_the_beginning(tmp_path):
    tally = worker(tmp_path, 0)
    before = (tmp_path / "tally.0").stat()
    for name in range(100):
        tally.meter(str(name), 1)
        tally.count(HEALTH)
    assert (tmp_path / "tally.0").stat().st_size == before.st_size < 900_000
    assert before.st_blocks * 512 >= before.st_size
