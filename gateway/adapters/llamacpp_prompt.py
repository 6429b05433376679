"""A conversation as a chat template is given it: with a placeholder that nobody can guess for each text of a caller's.

So a caller's text can be tokenised apart from the template's own, and never becomes one of the model's control tokens.
What is JSON (a tool, the arguments of a call) is an object for the template, which writes it by `tojson`.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence

from gateway.adapters.llamacpp_tools import Call
from gateway.domain.strict_json import Json


class Misrendered(Exception):
    """A template left something out, wrote it twice, or changed the order."""


class Placeholders:
    """What a template is given: `messages` and `tools`. `calls` come with the place of the message that made them."""

    def __init__(
        self, messages: Sequence[tuple[str, str]], calls: Sequence[tuple[int, Call]] = (), tools: Sequence[str] = ()
    ) -> None:
        self._nonce = secrets.token_hex(8)
        self._texts: list[str] = []
        self._owners: list[tuple[str, int]] = []  # of each text; those of one kind must come in this order
        self.messages: list[Json] = [
            self._message(at, role, text, [call for place, call in calls if place == at])
            for at, (role, text) in enumerate(messages)
        ]
        self.tools: list[Json] = [
            {"type": "function", "function": self._object(tool, ("tool", at))} for at, tool in enumerate(tools)
        ]

    def filled(self, rendered: str) -> list[str]:
        """The template's own text and, at every second place, a caller's. Raises `Misrendered`."""
        pieces, met, end = [], [], 0
        for found in re.finditer(rf'{self._nonce}(\d{{6}})|{{"{self._nonce}": "(\d{{6}})"}}', rendered):
            number = int(found[1] or found[2])
            pieces += [rendered[end : found.start()], self._texts[number]]
            met.append(number)
            end = found.end()
        if sorted(met) != list(range(len(self._texts))) or not self._in_order(met):
            raise Misrendered
        return [*pieces, rendered[end:]]

    def _in_order(self, met: Sequence[int]) -> bool:
        """Whether the messages came in order, and so did the tools, which may stand anywhere among them."""
        owners = [self._owners[number] for number in met]
        kinds = [[at for kind, at in owners if kind == wanted] for wanted in ("message", "tool")]
        return all(ats == sorted(ats) for ats in kinds)

    def _message(self, at: int, role: str, text: str, calls: Sequence[Call]) -> Json:
        owner = ("message", at)
        content = self._text(text, owner) if text or not calls else ""
        made: list[Json] = [self._call(call, owner) for call in calls]
        return {"role": role, "content": content, **({"tool_calls": made} if made else {})}

    def _call(self, call: Call, owner: tuple[str, int]) -> Json:
        name = self._text(json.dumps(call.name)[1:-1], owner)
        return {"type": "function", "function": {"name": name, "arguments": self._object(call.arguments, owner)}}

    def _text(self, text: str, owner: tuple[str, int]) -> str:
        return f"{self._nonce}{self._number(text, owner):06d}"

    def _object(self, text: str, owner: tuple[str, int]) -> Json:
        return {self._nonce: f"{self._number(text, owner):06d}"}

    def _number(self, text: str, owner: tuple[str, int]) -> int:
        self._texts.append(text)
        self._owners.append(owner)
        return len(self._texts) - 1
