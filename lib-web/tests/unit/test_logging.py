"""In a process of its own: logging is set up once a process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

IMPORTS = """
import logging, threading, warnings, sys
from pathlib import Path
import structlog
from lib_web.log_file import RotatingFile
from lib_web.logging import configure_logging
{setup}
log = structlog.get_logger()
"""
SETUP = 'configure_logging("greeter")'
PROGRAM = IMPORTS.format(setup=SETUP)


def run(lines: str) -> tuple[list[dict], subprocess.CompletedProcess]:
    done = subprocess.run([sys.executable, "-c", PROGRAM + lines], capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done


def output(lines: str, setup: str = SETUP) -> bytes:
    """What a program prints whose log is set up so."""
    program = IMPORTS.format(setup=setup) + lines
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout


def test_our_lines_libraries_and_warnings_are_json_alike():
    lines, _ = run("log.info('ours', n=1)\nlogging.getLogger('theirs').warning('said %s', 'it')\nwarnings.warn('old')")
    assert [line["event"] for line in lines][:2] == ["ours", "said it"]
    assert lines[0]["n"] == 1
    assert lines[1]["logger"] == "theirs"
    assert "old" in lines[2]["event"]
    assert all(line["component"] == "greeter" for line in lines)
    assert all({"level", "timestamp"} <= set(line) for line in lines)


def test_line_breaks_and_control_characters_stay_inside_one_line():
    lines, _ = run(r"log.info('x', sent='a\r\n{\"level\":\"error\"}\x1b[31m')")
    assert len(lines) == 1
    assert "\x1b" in lines[0]["sent"]


def test_an_exception_is_logged_as_type_and_frames_without_its_words():
    lines, _ = run(
        "def serve():\n    raise ValueError(open)\n"
        "try:\n    try:\n        serve()\n    except ValueError as e:\n        raise KeyError('cold soup') from e\n"
        "except KeyError:\n    log.exception('failed')\n    logging.getLogger('x').exception('failed too')"
    )
    for line in lines:
        assert line["exception"][0] == "builtins.KeyError"
        assert "builtins.ValueError" in line["exception"]
        assert any("serve" in frame for frame in line["exception"])
        assert "soup" not in str(line).replace("KeyError('cold soup')", "")


def test_a_value_without_a_json_form_is_named_by_its_type():
    lines, _ = run("log.info('x', value=threading.Lock(), number=float('nan'))")
    assert lines[0]["value"] == "<lock>"
    assert lines[0]["number"] == "NaN"


def test_crashes_are_json_too():
    lines, done = run("threading.Thread(target=lambda: 1 / 0, name='worker').start()\nraise RuntimeError('no')")
    assert {line["event"] for line in lines} == {"crashed", "thread_crashed"}
    assert done.returncode == 1
    assert done.stderr == ""


def test_ctrl_c_is_no_crash():
    lines, _ = run("raise KeyboardInterrupt")
    assert lines == []


def test_info_is_logged_and_debug_is_not():
    lines, _ = run("log.debug('no')\nlogging.debug('no')\nlog.info('yes')\nlog.info('no exception', exc_info=True)")
    assert [line["event"] for line in lines] == ["yes", "no exception"]
    assert "exception" not in lines[1]


def test_a_line_that_can_not_be_written_is_lost_and_the_program_goes_on():
    """The device refuses every byte, as a full disk does; a log's reader that died fails in the same way."""
    logging_much = (
        "for _ in range(3):\n    log.info('x')\n    logging.getLogger('y').warning('z')\nprint('on', file=sys.stderr)"
    )
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM + logging_much], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "on" in done.stderr.splitlines()


HOSTILE = "a\r\nb\x1b[31m\x00\x9b2J\u2028\u2029\x85\u202e\x1c😀"
STRAY = "\udcff\ud800"  # what a file name of stray bytes becomes


@pytest.mark.parametrize("sent", [HOSTILE, HOSTILE + STRAY])
@pytest.mark.parametrize(
    "call", ["log.info('x', sent=S)", "log.info(S)", "log.info('x', sent={S: [S]})", "logging.error(S)"]
)
def test_nothing_that_was_sent_ends_a_line_or_commands_a_terminal(sent, call):
    printed = output(f"S = {sent!a}\n{call}")
    assert printed.endswith(b"\n")
    assert not set(printed[:-1]) - set(range(32, 127))
    assert sent in (record := json.loads(printed)).values() or record["sent"] == {sent: [sent]}


def test_a_readable_line_shows_what_was_sent_without_obeying_it():
    printed = output(f"log.info({HOSTILE!a}, sent={HOSTILE + STRAY!a})", 'configure_logging("greeter", readable=True)')
    assert printed.count(b"\n") == 1
    assert not set(printed[:-1]) - set(range(32, 127))
    assert b"info" in printed
    assert b'sent="a\\r\\nb\\u001b[31m' in printed


def test_debug_is_ours_alone():
    setup = 'configure_logging("greeter", logging.DEBUG)'
    printed = output("log.debug('ours')\nlogging.getLogger('urllib3').debug('the body was ...')", setup)
    assert [json.loads(line)["event"] for line in printed.splitlines()] == ["ours"]


@pytest.mark.parametrize("readable", [False, True])
def test_the_file_gets_json_whatever_stdout_gets(tmp_path, readable):
    path = tmp_path / "service.log"
    file = f"RotatingFile(Path({str(path)!r}), 10_000, 1)"
    setup = f'configure_logging("greeter", file={file}, readable={readable})'
    printed = output("log.info('ours', n=1)\nlogging.warning('theirs')", setup)
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["ours", "theirs"]
    assert (path.read_bytes() == printed) is not readable
    assert len(printed.splitlines()) == 2


def test_a_log_file_on_a_full_disk_stops_nothing():
    setup = 'configure_logging("greeter", file=RotatingFile(Path("/dev/full"), 10_000, 1))'
    printed = output("log.info('x')\nlogging.warning('y')", setup)
    assert [json.loads(line)["event"] for line in printed.splitlines()] == ["x", "y"]
