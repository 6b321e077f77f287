"""Several real processes on one real file."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from lib_web.log_file import RotatingFile

WRITER = """
import json, sys
from pathlib import Path
from lib_web.log_file import RotatingFile
file = RotatingFile(Path(sys.argv[1]), 20_000, 100)
for n in range(1000):
    file.write(json.dumps({"writer": sys.argv[2], "n": n, "filling": "x" * (n % 90)}).encode() + b"\\n")
"""


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def everything(folder: Path) -> list[dict]:
    return [line for path in folder.glob("service.log*") for line in lines_of(path)]


def test_lines_of_several_processes_survive_rotation_whole_and_once(tmp_path):
    path = tmp_path / "service.log"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, name]) for name in "abcd"]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    written = sorted((line["writer"], line["n"]) for line in everything(tmp_path))
    assert written == sorted((name, n) for name in "abcd" for n in range(1000))
    rotated = [each for each in tmp_path.iterdir() if each != path]
    assert len(rotated) > 5
    # A line may be on its way while another process rotates.
    assert all(15_000 < each.stat().st_size <= 20_000 + 4 * 150 for each in rotated)


def test_threads_of_one_process_lose_no_line_either(tmp_path):
    file = RotatingFile(tmp_path / "service.log", 5_000, 100)

    def write(name: str) -> None:
        for n in range(500):
            file.write(json.dumps({"writer": name, "n": n}).encode() + b"\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(line["writer"], line["n"]) for line in everything(tmp_path)}) == 2000


def test_only_the_newest_backups_are_kept(tmp_path):
    file = RotatingFile(tmp_path / "service.log", 100, 2)
    for n in range(50):
        file.write(json.dumps({"n": n, "filling": "x" * 60}).encode() + b"\n")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["service.log", "service.log.1", "service.log.2"]
    assert [lines_of(tmp_path / name)[0]["n"] for name in ("service.log", "service.log.1", "service.log.2")] == [
        49,
        48,
        47,
    ]


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.rename(path.with_suffix(".away"))])
def test_a_file_that_someone_removed_or_renamed_is_begun_anew(tmp_path, change):
    path = tmp_path / "service.log"
    file = RotatingFile(path, 1_000, 1)
    file.write(b'{"n": 1}\n')
    change(path)
    file.write(b'{"n": 2}\n')
    assert lines_of(path) == [{"n": 2}]


def test_a_line_longer_than_the_file_may_be_has_a_file_of_its_own(tmp_path):
    file = RotatingFile(tmp_path / "service.log", 100, 3)
    for n in range(3):
        file.write(json.dumps({"n": n, "filling": "x" * 500}).encode() + b"\n")
    assert sorted(line["n"] for line in everything(tmp_path)) == [0, 1, 2]


def test_rotating_leaks_no_descriptor(tmp_path):
    file = RotatingFile(tmp_path / "service.log", 100, 1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(200):
        file.write(b"x" * 90 + b"\n")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_can_not_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        RotatingFile(tmp_path / "nowhere" / "service.log", 100, 1)
    with pytest.raises(ValueError, match="at least one backup"):
        RotatingFile(tmp_path / "service.log", 100, 0)
