"""Placeholders back to the caller's values in one object of the Responses dialect: an answer, an item, a part, an
event.

Arguments are JSON in a string, so values are escaped there; so is the text itself where the caller asked for JSON.
Citations point into the text by character, so they move with it.
"""

from __future__ import annotations

from gateway.dialects.answers import objects
from gateway.domain.mask import Vault
from gateway.domain.restore import Restorer
from gateway.domain.strict_json import Json

_TEXTS = ("output_text", "response.output_text.done")


class ResponsesValues:
    """Restores objects of one answer. `json_content` says that the text itself is JSON."""

    def __init__(self, vault: Vault, *, json_content: bool) -> None:
        self.plain = Restorer(vault)
        self.escaped = Restorer(vault, json_escaped=True)
        self.text = self.escaped if json_content else self.plain
        self._ruler = Restorer(vault, json_escaped=json_content)  # measures texts, and is not counted

    @property
    def restored(self) -> int:
        """How many placeholders were turned back."""
        return self.plain.restored + self.escaped.restored

    def of_object(self, value: dict[str, Json]) -> dict[str, Json]:
        """An object with every string and key restored, without log probabilities: they spell what was sent."""
        return self._object(value, self.text)

    def citations(self, annotations: list[Json], text: str) -> list[Json]:
        """The annotations of a text as it came, moved to where the restored text says the same. One that begins or
        ends inside a placeholder, or outside the text, points at nothing the caller knows: it is left out."""
        moves = self._moves(text, {index for each in objects(annotations) for index in _ends(each).values()})
        return [
            self._any({**each, **{name: moves[at] for name, at in _ends(each).items()}}, self.plain)
            for each in objects(annotations)
            if all(index in moves for index in _ends(each).values())
        ]

    def _object(self, value: dict[str, Json], text: Restorer) -> dict[str, Json]:
        return {self.plain.whole(name): self._member(value, name, text) for name in value}

    def _member(self, value: dict[str, Json], name: str, text: Restorer) -> Json:
        member, said = value[name], value.get("text")
        if isinstance(member, str):
            return self._restorer(value, name, text).whole(member)
        if isinstance(member, list) and name == "logprobs":
            return []
        if isinstance(member, list) and name == "annotations" and isinstance(said, str):
            return self.citations(member, said)
        # What the caller said earlier need not be JSON because the answer is.
        return self._any(member, self.plain if name == "instructions" else text)

    def _restorer(self, value: dict[str, Json], name: str, text: Restorer) -> Restorer:
        if name == "text" and value.get("type") in _TEXTS:
            return text
        # A call has a type; a key of the caller's, as in metadata, may also be called so.
        return self.escaped if name == "arguments" and "type" in value else self.plain

    def _any(self, value: Json, text: Restorer) -> Json:
        match value:
            case str():
                return self.plain.whole(value)
            case list():
                return [self._any(item, text) for item in value]
            case dict():
                return self._object(value, text)
            case _:
                return value

    def _moves(self, text: str, indexes: set[int]) -> dict[int, int]:
        """Where each index of the text lies in the restored text; nothing for an index inside a placeholder."""
        moves: dict[int, int] = {}
        start = length = 0
        for index in sorted(indexes):
            if 0 <= index <= len(text) and self._between(text, index):
                length += len(self._ruler.whole(text[start:index]))
                moves[index], start = length, index
        return moves

    def _between(self, text: str, index: int) -> bool:
        """Whether no placeholder stands on both sides of `index`."""
        begin, end, whole = max(0, index - self._ruler.longest), index + self._ruler.longest, self._ruler.whole
        return whole(text[begin:end]) == whole(text[begin:index]) + whole(text[index:end])


def _ends(annotation: dict[str, Json]) -> dict[str, int]:
    """Where an annotation begins and ends in its text, as far as it says so."""
    ends = {name: annotation.get(name) for name in ("start_index", "end_index")}
    return {name: index for name, index in ends.items() if isinstance(index, int)}
