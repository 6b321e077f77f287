"""In a process of its own: logging is set up once a process."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, threading, warnings, sys
import structlog
from lib_web.logging import configure_logging
configure_logging("greeter")
log = structlog.get_logger()
"""


def run(lines: str) -> tuple[list[dict], subprocess.CompletedProcess]:
    done = subprocess.run([sys.executable, "-c", PROGRAM + lines], capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done


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
