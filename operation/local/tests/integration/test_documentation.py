"""What the documentation says can be done is done: its `sh` and `python` blocks run against the stack, its links lead
somewhere.

Blocks without a language show commands that a test can't run, such as `make run` itself.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[4]
DOCUMENTED_PORT = 8080
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INTERPRETERS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-W", "error", "-c"]}
PAGES = sorted(
    CHECKOUT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split()
)
BLOCKS = [
    pytest.param(language, block, id=f"{page.relative_to(CHECKOUT)}:{number}")
    for page in PAGES
    for number, (language, block) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
]


def on_this_stack(block: str, gateway_port: int) -> str:
    """The block with each documented port moved as PALATE_PORT moves it."""
    return re.sub(
        r"(localhost|127\.0\.0\.1):(80\d\d)",
        lambda match: f"127.0.0.1:{gateway_port + int(match[2]) - DOCUMENTED_PORT}",
        block,
    )


@pytest.mark.stack
@pytest.mark.xdist_group("stack")
@pytest.mark.parametrize(("language", "block"), BLOCKS)
def test_a_documented_command_works(stack, tmp_path, language, block):
    (tmp_path / ".palate").symlink_to(stack.home)
    (tmp_path / ".curlrc").write_text("fail-with-body\nmax-time = 10\n")
    environment = {
        **os.environ,
        "CURL_HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    commands = on_this_stack(block, stack.ports.gateway)
    done = subprocess.run(
        [*INTERPRETERS[language], commands],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_documented_commands():
    assert len(BLOCKS) >= 6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not link.startswith("http") and not (page.parent / link).exists()]
    assert missing == []
