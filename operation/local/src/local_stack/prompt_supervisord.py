"""supervisord, looking around ten times a second.

It looks for ended programs once a second, twice until it starts them again: two of the three seconds in which a
killed program has to be back.
"""

from supervisor import poller, supervisord

__all__ = ["main"]

_LONGEST_WAIT_S = 0.1


class _PromptPoller(poller.Poller):  # type: ignore[misc]  # supervisor brings no types
    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        ready: tuple[list[int], list[int]] = super().poll(min(timeout, _LONGEST_WAIT_S))
        return ready


def main() -> None:
    """Run supervisord with the arguments of this process."""
    poller.Poller = _PromptPoller
    supervisord.main()


if __name__ == "__main__":
    main()
