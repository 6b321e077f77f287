"""Tokens in a file that is replaced while the service runs."""

import statistics
import time

import pytest
import structlog
from model_service.adapters import StaticTokens, TokenFileBroken
from model_service.domain.placeholder_secrets import placeholder_fault

FIRST, SECOND, THIRD = "k3J9-aaaaaaaaaaaaaaaa", "k3J9-bbbbbbbbbbbbbbbb", "k3J9-cccccccccccccccc"


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "tokens.yaml"
    file.write_text(f"# who may call\napp: {FIRST}\n")
    return file


def replace(file, content: str | bytes) -> None:
    draft = file.with_name("draft")
    draft.write_bytes(content if isinstance(content, bytes) else content.encode())
    draft.replace(file)


def names(tokens) -> list[str | None]:
    return [tokens.name_of(token) for token in (FIRST, SECOND, THIRD)]


def test_tokens_of_settings_and_file_are_valid_beside_each_other(file):
    assert names(StaticTokens({"admin": SECOND}, file)) == ["app", "admin", None]


def test_several_tokens_of_one_name_are_valid_while_they_are_rotated(file):
    tokens = StaticTokens({}, file)
    for content in (f"app: {FIRST}\napp: {SECOND}\n", f"app: [{FIRST}, {SECOND}]", f"app:\n- {FIRST}\n- '{SECOND}'\n"):
        replace(file, content)
        assert names(tokens) == ["app", "app", None]
    replace(file, f"app: {SECOND}\nother: {THIRD}\n")
    assert names(tokens) == [None, "app", "other"]


@pytest.mark.parametrize(
    "content",
    ["", "app", "- app", "app: {a: b}", f"app: [[{SECOND}]]", f"app: '{SECOND} {SECOND}'", f"'a b': {SECOND}", "app:",
     f"app: {SECOND}\n  - [", b"app: \xff\xfe", "a: &x [*x]", f"? {SECOND}", f"jwt:eve: {SECOND}", "[" * 10_000,
     f"app: {SECOND}\x00", "#" * 1_000_001, f"{'a' * 64}: {SECOND}", "a: !!python/object/apply:os.abort [x y]"],
)  # fmt: skip
def test_a_broken_file_leaves_the_old_tokens_valid_and_says_so_without_quoting_it(file, content):
    tokens = StaticTokens({}, file)
    replace(file, content)
    with structlog.testing.capture_logs() as logs:
        assert [names(tokens), names(tokens)] == [["app", None, None]] * 2
    assert [each["event"] for each in logs] == ["tokens_not_replaced"]
    assert SECOND not in str(logs)
    replace(file, f"app: {THIRD}")
    assert names(tokens) == [None, None, "app"]


def test_a_file_that_is_gone_leaves_the_old_tokens_valid(file):
    tokens = StaticTokens({}, file)
    file.unlink()
    assert names(tokens) == ["app", None, None]


def test_a_replaced_file_is_said_in_the_log_by_names_alone(file):
    tokens = StaticTokens({}, file)
    replace(file, f"new: {SECOND}")
    with structlog.testing.capture_logs() as logs:
        tokens.name_of(FIRST)
    assert logs == [{"event": "tokens_replaced", "names": ["new"], "log_level": "info"}]


@pytest.mark.parametrize("content", [None, "nonsense", "app: changeme"])
def test_at_the_start_a_file_must_be_good(file, content):
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(TokenFileBroken):
        StaticTokens({}, file, fault_of=lambda token: placeholder_fault(token, at_least=16))


@pytest.mark.parametrize(
    "token", ["0123456789012345", "true-true-true-12", "1e1000000000000000", "YWJj+/YWJjYWJjYWJj=="]
)
def test_a_token_stays_what_it_is_written_as(file, token):
    replace(file, f"app: {token}")
    assert StaticTokens({}, file).name_of(token) == "app"


@pytest.mark.parametrize("odd", ["", "é", "\udcff", "\x00", FIRST + " ", "x" * 100_000])
def test_odd_tokens_are_nobody_s(file, odd):
    assert StaticTokens({}, file).name_of(odd) is None


def test_a_look_at_a_token_costs_microseconds(file):
    replace(file, "\n".join(f"name{i}: token-{i:020}" for i in range(20)))
    tokens = StaticTokens({}, file)
    tokens.name_of(FIRST)

    def seconds() -> float:
        started = time.perf_counter()
        for _ in range(100):
            tokens.name_of(FIRST)
        return (time.perf_counter() - started) / 100

    assert statistics.median(seconds() for _ in range(20)) < 100e-6
