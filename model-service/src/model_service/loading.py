"""How the packages are loaded: for a start under a second, and for little memory in every process."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["lean_loading"]


@contextmanager
def lean_loading() -> Iterator[None]:
    """Load without looking for garbage, since what is just being loaded is none, and without rich.

    structlog takes rich along wherever it is installed, for colours that nothing here prints: 4 MB.
    """
    collected, has_rich = gc.isenabled(), "rich" in sys.modules
    gc.disable()
    if not has_rich:
        # What Python takes for "not installed".
        sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not has_rich:
            del sys.modules["rich"]
        if collected:
            gc.enable()
