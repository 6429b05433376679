"""Stand-ins back to the caller's own values, in whole texts and across stream chunks.

A placeholder is restored where its unguessable part is one of ours, however a model bent the rest, and left alone
otherwise, so never to a wrong value. A surrogate is restored where it stands as it was given, in any case; a model that
happens to use the same words for somebody else cannot be told from one that speaks of the caller's value.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import quote

from gateway.domain.json_nesting import Nesting
from gateway.domain.placeholder import Coding, Pattern
from gateway.domain.restore_surrogates import SurrogateReader
from gateway.domain.strict_json import Json
from gateway.domain.vault import Vault

_LOOK_BEHIND = len("\\u0000")


@dataclass(slots=True)
class _Running:
    """Where a running text stands: how far the last part reached, whether inside a word, and how deep in strings of
    JSON."""

    at: int = 0
    inside: bool = False
    nesting: Nesting | None = None


class Restorer:
    """Restores one vault's stand-ins. `json_escaped` is for text that is itself JSON: values are escaped as inside a
    string, twice inside JSON in a string. `restored` counts what was turned back."""

    def __init__(self, vault: Vault, *, json_escaped: bool = False) -> None:
        self.restored = 0
        self._json = json_escaped
        self._values = {identity.upper(): value for identity, value in vault.values.items()}
        self._pattern = Pattern(vault.entities) if vault.values else None
        reader = SurrogateReader(vault.surrogates, json_escaped=json_escaped)
        self._reader = reader if vault.surrogates else None
        self._deep = json_escaped and any(_escape(value) != value for value in vault.every_value())
        self.longest = max(
            self._pattern.longest if self._pattern else 0, 2 * self._reader.longest if self._reader else 0
        )
        """No stand-in is longer, however bent; 0 where there are none."""
        self._shortest = self._pattern.shortest if self._pattern and self._reader is None else 0

    def running(self) -> _Running:
        """The state of a text at its beginning."""
        return _Running(nesting=Nesting() if self._deep else None)

    def whole(self, text: str) -> str:
        """`text` with every stand-in of the vault replaced by its value."""
        if self.longest == 0 or len(text) < self._shortest:
            return text
        return self.part(text, 0, len(text), self.running())

    def grows(self, text: str, start: int) -> int:
        """From where on the end of `text`, not before `start`, is or may become the beginning of a stand-in."""
        one = self._pattern.grows(text, start) if self._pattern else len(text)
        if self._reader is None:
            return one
        return self._reader.aligned(text, start, min(one, self._reader.grows(text, start)))

    def part(self, text: str, start: int, stop: int, running: _Running) -> str:
        """`text` from `start` to `stop` restored, or to `running.at` where a surrogate goes on behind `stop`. What lies
        around only tells where words and placeholders end."""
        result: list[str] = []
        at, running.at = start, stop
        has_room = stop - start >= self._shortest
        for begin, end, value, coding in self._found(text, start, stop, running) if has_room else ():
            result.append(text[at:begin])
            if running.nesting is not None:
                running.nesting.feed(text[at:begin])
            result.append(self._written(value, coding, running.nesting))
            if running.nesting is not None:
                running.nesting.feed(text[begin:end])
            at = end
            self.restored += 1
        rest = text[at : running.at]
        if running.nesting is not None:
            running.nesting.feed(rest)
        return "".join([*result, rest]) if result else rest

    def _found(self, text: str, start: int, stop: int, running: _Running) -> Iterator[tuple[int, int, str, Coding]]:
        """Placeholders, and surrogates in what lies between them."""
        at = start
        for found in self._pattern.found(text, start, stop, self._values) if self._pattern else ():
            yield from self._between(text, at, found.start, running)
            running.inside = text[found.end - 1].isalnum()
            yield found.start, found.end, self._values[found.id], found.coding
            at, running.at = found.end, stop
        yield from self._between(text, at, stop, running)

    def _between(self, text: str, start: int, stop: int, running: _Running) -> Iterator[tuple[int, int, str, Coding]]:
        if self._reader is None or start >= stop:
            return
        seen, running.at, running.inside = self._reader.found(text, start, stop, inside=running.inside)
        for one in seen:
            yield one.start, one.end, one.value, Coding.PLAIN

    def _written(self, value: str, coding: Coding, nesting: Nesting | None) -> str:
        match coding:
            case Coding.PLAIN:
                shown = value
            case Coding.URL:
                return quote(value, safe="", errors="surrogatepass")
            case Coding.HTML:
                shown = html.escape(value)
            case _:
                assert_never(coding)
        if not self._json:
            return shown
        for _ in range(max(1, nesting.depth if nesting else 1)):
            shown = _escape(shown)
        return shown


class StreamRestorer:
    """Restores one running text. What could be the beginning of a stand-in is held back, and never more than the
    longest one could be."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._running = restorer.running()
        self._before = ""
        self._held = ""

    def feed(self, piece: str) -> str:
        """The text that is certain after `piece`."""
        if self._restorer.longest == 0 or not piece:
            return piece
        start = len(self._before)
        text = f"{self._before}{self._held}{piece}"
        return self._given(text, start, self._restorer.grows(text, start))

    def finish(self) -> str:
        """What was still held back, restored."""
        text = self._before + self._held
        return self._given(text, len(self._before), len(text))

    def _given(self, text: str, start: int, cut: int) -> str:
        """The part before `cut`. Its end stays known: words may go on behind it, or begin behind an escape."""
        shown = self._restorer.part(text, start, cut, self._running)
        at = max(start, self._running.at)
        self._before, self._held = text[max(0, at - _LOOK_BEHIND) : at], text[at:]
        return shown


def restore_json(value: Json, restorer: Restorer) -> Json:
    """Every string and key of a JSON value restored."""
    match value:
        case str():
            return restorer.whole(value)
        case list():
            return [restore_json(item, restorer) for item in value]
        case dict():
            return {restorer.whole(key): restore_json(item, restorer) for key, item in value.items()}
        case _:
            return value


def _escape(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
