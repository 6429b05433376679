"""The output items of a Responses answer as they grow, and the events that tell it.

Each item and each part of it is opened, grows, and is closed: `response.output_item.added`, the parts' events,
`response.output_item.done`. A text is told in its deltas, at its end, at the end of its part and of its item, and in
the whole answer: all from one list of pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.domain.strict_json import Json

Event = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of text is told: the stem of its events, its member's name in the last of them, and, for the part of
    an item, the stem of the part's events, the name of its index, and its type."""

    events: str
    member: str
    part_events: str = ""
    index: str = ""
    part: str = ""


TEXT = Form("response.output_text", "text", "response.content_part", "content_index", "output_text")
REFUSAL = Form("response.refusal", "refusal", "response.content_part", "content_index", "refusal")
THOUGHT = Form("response.reasoning_text", "text", "response.content_part", "content_index", "reasoning_text")
SUMMARY = Form(
    "response.reasoning_summary_text", "text", "response.reasoning_summary_part", "summary_index", "summary_text"
)
ARGUMENTS = Form("response.function_call_arguments", "arguments")
INPUT = Form("response.custom_tool_call_input", "input")


@dataclass(slots=True, repr=False)
class Text:
    """One text of an item. `where` addresses it in its events."""

    form: Form
    where: Mapping[str, Json]
    pieces: list[str] = field(default_factory=list)
    logprobs: list[Json] = field(default_factory=list)
    annotations: list[Json] = field(default_factory=list)

    def whole(self) -> str:
        """The text so far."""
        return "".join(self.pieces)

    def part(self) -> Json:
        """The part of the item that this text is."""
        part: dict[str, Json] = {"type": self.form.part, self.form.member: self.whole()}
        if self.form is TEXT:
            part |= {"annotations": list(self.annotations), "logprobs": list(self.logprobs)}
        return part

    def opened(self) -> Iterator[Event]:
        """The event that begins the part, where the text is one."""
        if self.form.part:
            yield {"type": f"{self.form.part_events}.added", **self.where, "part": self.part()}

    def grown(self, piece: str, logprobs: list[Json]) -> Event:
        """The event that tells one more piece."""
        self.pieces.append(piece)
        self.logprobs += logprobs
        return {"type": f"{self.form.events}.delta", **self.where, "delta": piece, **self._logprobs(logprobs)}

    def annotated(self, annotation: Json) -> Event:
        """The event that tells an annotation of the text so far."""
        self.annotations.append(annotation)
        place: Event = {"annotation_index": len(self.annotations) - 1, "annotation": annotation}
        return {"type": "response.output_text.annotation.added", **self.where, **place}

    def closed(self, **more: Json) -> Iterator[Event]:
        """The events that end the text, and the part where it is one."""
        end: Event = {self.form.member: self.whole(), **more, **self._logprobs(self.logprobs)}
        yield {"type": f"{self.form.events}.done", **self.where, **end}
        if self.form.part:
            yield {"type": f"{self.form.part_events}.done", **self.where, "part": self.part()}

    def _logprobs(self, logprobs: list[Json]) -> Event:
        return {"logprobs": list(logprobs)} if self.form is TEXT else {}


@dataclass(slots=True, repr=False)
class Spoken:
    """A message or a reasoning item: parts one after the other, of which the last one grows."""

    id: str
    index: int
    type: str
    parts: list[Text] = field(default_factory=list)

    def told(self, status: str) -> Event:
        """The item as it stands."""
        item: Event = {"id": self.id, "type": self.type, "status": status}
        if self.type == "message":
            return item | {"role": "assistant", "content": [text.part() for text in self.parts]}
        summary: list[Json] = [text.part() for text in self.parts if text.form is SUMMARY]
        content: list[Json] = [text.part() for text in self.parts if text.form is not SUMMARY]
        return item | {"summary": summary, "content": content}

    def opened(self) -> Event:
        """The event that begins the item."""
        return {"type": "response.output_item.added", "output_index": self.index, "item": self.told("in_progress")}

    def grown(self, form: Form, piece: str, logprobs: list[Json]) -> Iterator[Event]:
        """The events that tell one more piece of a text of this form."""
        if not self.parts or self.parts[-1].form is not form:
            if self.parts:
                yield from self.parts[-1].closed()
            where: Event = {"item_id": self.id, "output_index": self.index, form.index: len(self.parts)}
            self.parts.append(Text(form, where))
            yield from self.parts[-1].opened()
        if piece:
            yield self.parts[-1].grown(piece, logprobs)

    def closed(self, status: str) -> Iterator[Event]:
        """The events that end the item."""
        if self.parts:
            yield from self.parts[-1].closed()
        yield {"type": "response.output_item.done", "output_index": self.index, "item": self.told(status)}


@dataclass(slots=True, repr=False)
class Call:
    """A call of a function or of a custom tool. Its name may come in pieces, so it is opened with its first argument:
    until then `index` is -1."""

    call_id: str = ""
    name: str = ""
    custom: bool = False
    id: str = ""
    index: int = -1
    text: Text = field(default_factory=lambda: Text(ARGUMENTS, {}))

    def named(self, piece: str) -> None:
        """More of the name. A server that repeats the whole name in each chunk adds nothing."""
        if self.index < 0 and piece != self.name:
            self.name += piece

    def placed(self, stem: str, index: int) -> Event:
        """The event that begins the item, as the answer's output number `index`."""
        self.index = index
        self.id = f"{'ctc' if self.custom else 'fc'}_{stem}_{index}"
        self.call_id = self.call_id or f"call_{stem}_{index}"
        self.text = Text(INPUT if self.custom else ARGUMENTS, {"item_id": self.id, "output_index": index})
        return {"type": "response.output_item.added", "output_index": index, "item": self.told("in_progress")}

    def told(self, status: str) -> Event:
        """The item as it stands."""
        kind = "custom_tool_call" if self.custom else "function_call"
        called: Event = {"call_id": self.call_id, "name": self.name, self.text.form.member: self.text.whole()}
        return {"id": self.id, "type": kind, "status": status, **called}

    def closed(self, status: str) -> Iterator[Event]:
        """The events that end the item."""
        yield from self.text.closed(**({} if self.custom else {"name": self.name}))
        yield {"type": "response.output_item.done", "output_index": self.index, "item": self.told(status)}
