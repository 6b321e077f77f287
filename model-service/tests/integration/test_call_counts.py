"""Counts through restarts: one contract for both stores, on a real LMDB and a real Redis that dies."""

import os
import signal
import socket
import time

import pytest
from model_service.adapters.call_counts import CallCounts
from model_service.adapters.call_tally import CallTally
from model_service.adapters.lmdb_counts import LmdbCounts
from model_service.adapters.redis_counts import RedisCounts
from model_service.domain.statistics import APIS, DAYS, WINDOWS, CountsNotStored, Row, series

HEALTH = APIS.index("health")
HOUR = WINDOWS["hour"]


@pytest.fixture(params=["lmdb", "redis"])
def open_store(request, tmp_path):
    """Opens the same store again each time; one at a time."""
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        return lambda: RedisCounts(server.url)
    (tmp_path / "counts").mkdir()
    return lambda: LmdbCounts(tmp_path / "counts")


def joined(tally_folder, open_store) -> CallCounts:
    """A run of the service, as its only worker."""
    tally_folder.mkdir(exist_ok=True)
    counts = CallCounts(CallTally(), open_store)
    counts.tally.join(tally_folder, 0)
    counts.keep()
    return counts


def this_hour(counts: CallCounts) -> int:
    number = HOUR.number(time.time())
    # The hour may end between a call and this.
    return sum(series(counts.calls(HOUR, number - 1, number), number - 1, number, "health"))


def used(counts: CallCounts, name: str) -> list[int]:
    today = DAYS.number(time.time())
    rows = counts.metered(name, today - 1, today)
    return [sum(series(rows, today - 1, today, each)) for each in ("calls", "characters")]


def test_counts_and_usage_live_through_restarts(tmp_path, open_store):
    for run in range(1, 4):
        counts = joined(tmp_path / f"run-{run}", open_store)
        for _ in range(10):
            counts.tally.count(HEALTH)
            counts.tally.meter("kiosk", 7)
        assert this_hour(counts) == run * 10
        assert used(counts, "kiosk") == [run * 10, run * 70]
        assert used(counts, "nobody") == [0, 0]
        counts.stop()


def test_what_is_stored_often_or_twice_counts_once(tmp_path, open_store):
    counts = joined(tmp_path / "run", open_store)
    for _ in range(5):
        counts.tally.count(HEALTH)
        counts.keep()
        counts._store.put(counts.tally.unstored(everything=True))
        counts.keep()
    assert this_hour(counts) == 5
    counts.stop()
    again = joined(tmp_path / "next run", open_store)
    assert this_hour(again) == 5
    again.stop()


def test_old_windows_are_forgotten(open_store):
    store = open_store()
    rows = [Row("minute", number, "00" * 8, "", {"health": 1}) for number in (1, 2, 300, 70_000)]
    now = WINDOWS["minute"].number(time.time())
    store.put([*rows, Row("minute", now, "00" * 8, "", {"health": 4})])
    store.forget(WINDOWS["minute"], now - WINDOWS["minute"].kept)
    if isinstance(store, LmdbCounts):
        assert store.rows(WINDOWS["minute"], 0, now - 1) == []
    else:
        key = f"palate:calls:minute:{now}"
        assert 86_400 <= store._redis.ttl(key) <= 86_400 + 60, "Redis lets each window expire"
    assert [row.counts for row in store.rows(WINDOWS["minute"], now, now)] == [{"health": 4}]
    store.close()


def test_while_redis_is_dead_memory_answers_and_says_so_and_redis_gets_it_all_when_it_is_back(tmp_path, redis_server):
    counts = joined(tmp_path / "run", lambda: RedisCounts(redis_server.url))
    counts.tally.count(HEALTH)
    counts.keep()
    assert counts.fault is None
    redis_server.kill()
    for _ in range(9):
        counts.tally.count(HEALTH)
        counts.tally.meter("kiosk", 1)
        started = time.perf_counter()
        counts.keep()
        assert time.perf_counter() - started < 1
    assert counts.fault is not None
    started = time.perf_counter()
    assert this_hour(counts) == 10
    assert time.perf_counter() - started < 0.05, "no request asks a store that is known to be away"
    redis_server.start()
    counts.keep()
    assert counts.fault is None
    counts.stop()
    again = joined(tmp_path / "next run", lambda: RedisCounts(redis_server.url))
    assert (this_hour(again), used(again, "kiosk")) == (10, [9, 9]), "what the dead Redis had is there again too"
    again.stop()


def test_a_redis_that_takes_the_connection_and_says_nothing_costs_a_fraction_of_a_second(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        counts = joined(tmp_path / "run", lambda: RedisCounts(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        counts.tally.count(HEALTH)
        started = time.perf_counter()
        counts.keep()
        assert time.perf_counter() - started < 1
        assert counts.fault is not None
        assert this_hour(counts) == 1
        counts.stop()


def test_a_store_that_can_not_be_opened_is_opened_when_it_can(tmp_path):
    missing = tmp_path / "missing"
    counts = joined(tmp_path / "run", lambda: LmdbCounts(missing / "counts"))
    counts.tally.count(HEALTH)
    assert counts.fault is not None
    assert this_hour(counts) == 1
    (missing / "counts").mkdir(parents=True)
    counts.keep()
    assert counts.fault is None
    counts.stop()


def test_a_full_disk_is_a_fault_and_no_crash(tmp_path, monkeypatch):
    monkeypatch.setattr("model_service.adapters.lmdb_counts._MAP_BYTES", 65_536)
    (tmp_path / "counts").mkdir()
    store = LmdbCounts(tmp_path / "counts")
    with pytest.raises(CountsNotStored, match="MDB_MAP_FULL"):
        store.put(Row("second", number, "00" * 8, "", {"health": 1}) for number in range(10_000))
    store.close()


def test_a_writer_killed_in_the_middle_of_storing_leaves_the_store_whole(tmp_path):
    folder = tmp_path / "counts"
    folder.mkdir()
    child = os.fork()
    if child == 0:
        store, number = LmdbCounts(folder), 0
        while True:
            number += 1
            store.put(
                [Row("second", number, "00" * 8, "", {"health": 1}), Row("hour", number, "00" * 8, "", {"health": 1})]
            )
    time.sleep(0.3)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    store = LmdbCounts(folder)
    seconds, hours = store.rows(WINDOWS["second"], 0, 1 << 30), store.rows(HOUR, 0, 1 << 30)
    assert [row.number for row in seconds] == [row.number for row in hours] == list(range(1, len(hours) + 1))
    store.put([Row("second", 1, "00" * 8, "", {"health": 2})])
    store.close()
