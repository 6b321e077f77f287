import subprocess
import sys

SCORING = """
import sys
def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "urllib.Request"}:
        raise SystemExit(f"{event} at import")
sys.addaudithook(refuse)
import lib_ml.scorer, lib_ml.registry
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def run(code: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_scoring_imports_neither_sklearn_nor_scipy_and_calls_nobody():
    assert not run(SCORING) & {"sklearn", "scipy", "nltk", "textblob", "pandas"}


def test_reading_a_text_imports_no_numpy():
    assert not run(SCORING.replace("lib_ml.scorer, lib_ml.registry", "lib_ml.text, lib_ml.features")) & {"numpy"}


def test_training_calls_nobody_at_import():
    assert "sklearn" in run(SCORING.replace("lib_ml.scorer, lib_ml.registry", "lib_ml.training"))
