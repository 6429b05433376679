"""Placeholders back to the caller's own values, in whole texts and across stream chunks.

A model may bend a placeholder: other case, spaces or escapes for underscores, brackets lost, an 's behind it. It is
restored where its unguessable part is one of ours, and left alone otherwise, so never to a wrong value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from gateway.domain.mask import ID_LENGTH, Vault
from gateway.domain.strict_json import Json

_GAP = r"(?:\\?[_\-]|\s|\*|\\)"
_LONGEST_GAP = 2
_NOISE = re.compile(r"[\[\]_\-\s*\\]")


class Restorer:
    """Restores one vault's placeholders. `json_escaped` is for text that is itself JSON: values are escaped as inside
    a string. `restored` counts what was turned back."""

    def __init__(self, vault: Vault, *, json_escaped: bool = False) -> None:
        self.restored = 0
        self._values = {identity.upper(): value for identity, value in vault.values.items()}
        self._write: Callable[[str], str] = _escape if json_escaped else _same
        names = "|".join(_bent(entity) for entity in sorted(vault.entities, key=len, reverse=True))
        # What touches a placeholder does not matter: a name may go on behind it, and the id is looked up in the vault.
        pattern = rf"\[?(?:{names}){_GAP}{{1,2}}([0-9A-Za-z]{{{ID_LENGTH}}})(?:\\?\])?"
        self._pattern = re.compile(pattern, re.IGNORECASE) if vault else None
        self._names = tuple(entity.replace("_", "").replace("-", "").casefold() for entity in vault.entities)
        self.longest = max((_longest(entity) for entity in vault.entities), default=0)

    def may_begin(self, text: str, start: int) -> bool:
        """Whether `text` from `start` to its end is, or may grow into, one placeholder."""
        tail = _NOISE.sub("", text[start:]).casefold()
        if not (text[start] == "[" or text[start].isalnum()):
            return False
        return any(name.startswith(tail) or _tail_of(name, tail) for name in self._names)

    def whole(self, text: str) -> str:
        """`text` with every placeholder of the vault replaced by its value."""
        return text if self._pattern is None else self._pattern.sub(self._one, text)

    def _one(self, match: re.Match[str]) -> str:
        value = self._values.get(match.group(1).upper())
        if value is None:
            return match.group()
        self.restored += 1
        return self._write(value)


class StreamRestorer:
    """Restores one running text. What could be the beginning of a placeholder is held back, and never more than the
    longest placeholder could be."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._held = ""

    def feed(self, piece: str) -> str:
        """The text that is certain after `piece`."""
        if self._restorer.longest == 0:
            return piece
        text = self._held + piece
        cut = self._cut(text)
        self._held = text[cut:]
        return self._restorer.whole(text[:cut])

    def finish(self) -> str:
        """What was still held back, restored."""
        rest, self._held = self._held, ""
        return self._restorer.whole(rest)

    def _cut(self, text: str) -> int:
        """Where the held-back tail begins: at the earliest place from which the tail may still grow into a placeholder.

        A placeholder that is complete but stands at the very end stays too: the next piece may show that it goes on.
        """
        horizon = max(0, len(text) - self._restorer.longest)
        for start in range(horizon, len(text)):
            if self._restorer.may_begin(text, start):
                return start
        return len(text)


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


def _tail_of(name: str, tail: str) -> bool:
    """Whether `tail` is the whole name and at most one id, with nothing behind it."""
    rest = tail[len(name) :]
    return tail.startswith(name) and len(rest) <= ID_LENGTH and (not rest or rest.isalnum())


def _same(value: str) -> str:
    return value


def _escape(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _bent(entity: str) -> str:
    return f"{_GAP}{{1,{_LONGEST_GAP}}}".join(re.escape(part) for part in entity.replace("-", "_").split("_"))


def _longest(entity: str) -> int:
    joints = entity.count("_") + entity.count("-") + 1
    return len(entity) + joints * (2 * _LONGEST_GAP - 1) + 2 * _LONGEST_GAP + ID_LENGTH + 4
