"""Five hundred wrong bundles against the loader, in a process that watches what loading them does."""

import json
import subprocess
import sys
from pathlib import Path

import mutated_bundles
import pytest

LOADS = """
import encodings.cp437, json, resource, shutil, sys, time
from pathlib import Path

from lib_ml.bundle import BundleRefused, load_bundle
from lib_ml.scorer import GoldenMismatch, Scorer
from mutated_bundles import mutants

good, house = Path(sys.argv[1]), Path(sys.argv[2])
seen, armed = set(), False

def watch(event, arguments):
    # Reading is what a loader may do.
    reads = event == "open" and set(arguments[1] or "r") <= set("rb") and not (arguments[2] or 0) & 3
    if armed and not reads:
        seen.add(event)

def attempt(path):
    global armed
    armed = True
    started = time.perf_counter()
    try:
        Scorer(load_bundle(path)).check_golden()
        return "", time.perf_counter() - started
    except (BundleRefused, GoldenMismatch) as refusal:
        return str(refusal), time.perf_counter() - started
    finally:
        armed = False

attempt(good)
attempt(house / "nowhere")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.addaudithook(watch)
assert attempt(good)[0] == "", "the good one loads"
told = []
for mutant in mutants(good):
    path = house / "mutant"
    mutant.write(path)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    reason, seconds = attempt(path)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    told.append([mutant.number, mutant.kind, reason, seconds])
    for left in house.glob("mutant*"):
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
assert attempt(good)[0] == "", "and still loads"
events = sorted(seen)
armed = True
eval("1")
assert {"compile", "exec"} <= seen, "the watch would have seen it"
print(json.dumps({"told": told, "events": events}))
"""
MEMORY = 3 << 30  # bytes of address space, numpy's own libraries among them
SLOWEST_S = 5.0


@pytest.fixture(scope="module")
def report(trained, tmp_path_factory):
    house, marks = tmp_path_factory.mktemp("mutants"), tmp_path_factory.mktemp("marks")
    environment = {"PYTHONPATH": str(Path(mutated_bundles.__file__).parent), mutated_bundles.MARK: str(marks)}
    command = [sys.executable, "-c", LOADS.replace("MEMORY", str(MEMORY)), str(trained("v2").folder), str(house)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert list(marks.iterdir()) == []
    return json.loads(done.stdout)


def test_five_hundred_of_five_hundred_are_refused_with_a_reason(report):
    assert len(report["told"]) == mutated_bundles.NUMBER == 500
    assert [[number, kind] for number, kind, reason, _ in report["told"] if not reason] == []


def test_loading_them_runs_no_code_starts_nothing_and_writes_nothing(report):
    assert report["events"] == []


def test_each_is_refused_in_time(report):
    assert [row for row in report["told"] if row[3] > SLOWEST_S] == []
