"""A bar for long work, where somebody looks."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.progress import Progress


class progress:  # noqa: N801 - used like a function
    """A bar on a terminal's stderr, advanced by an iterator; elsewhere nothing is shown."""

    def __init__(self, what: str, total: int) -> None:
        console = Console(stderr=True)
        self._bar = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> Iterator[None]:
        self._bar.start()
        return self._ticks()

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _ticks(self, every: int = 1000) -> Iterator[None]:
        count = 0
        while True:
            count += 1
            if count % every == 0:
                self._bar.update(self._task, completed=count)
            yield
