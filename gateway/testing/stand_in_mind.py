"""What the stand-in provider says, whatever the dialect: it repeats what the user said.

The answer repeats the last message, so that whatever left comes back: placeholders return and can be restored. Offered
tools, it calls the ones that the user's text names, else the first that was not called since, with arguments made of
the same text; a tool's result is repeated as text. Tokens are counted as words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from gateway.domain.strict_json import Json, dump_json
from gateway.testing.stand_in_schema import arguments, instance

Body = dict[str, Json]
CREATED = 1_700_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How one answer is worded: what opens it, what is said `instead` of the user's words, whether it is a refusal, and
    how many characters a streamed piece has."""

    prefix: str = "You said: "
    instead: str = ""
    refuses: bool = False
    size: int = 8


class Mode(Enum):
    """Whether a tool is to be called."""

    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the request says of the tools' use; no names means any of them."""

    mode: Mode = Mode.AUTO
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that is offered. A custom one takes text instead of JSON."""

    name: str
    schema: Json
    custom: bool = False


class Form(Enum):
    """How the text is wanted."""

    PROSE = "prose"
    OBJECT = "object"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a request the answer depends on. `words` is the last message, `answering` whether it is a tool's result;
    `called` are the tools called since the user's last word and `calls` all calls in the history; `limit` is the most
    tokens of an answer, negative for none."""

    model: str
    words: str
    answering: bool = False
    called: frozenset[str] = frozenset()
    calls: int = 0
    tools: tuple[Tool, ...] = ()
    choice: Choice = Choice()
    parallel: bool = True
    form: Form = Form.PROSE
    schema: Json = None
    stop: tuple[str, ...] = ()
    limit: int = -1
    thinks: bool = False
    choices: int = 1
    prompt_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool. `number` is unique in the conversation; `argument` is JSON, or a custom tool's text."""

    number: int
    name: str
    argument: str
    custom: bool


class Finish(Enum):
    """Why an answer ends."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    CALLS = "calls"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered: a text, calls, or a refusal; `reasoning` before it."""

    asked: Asked
    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish: Finish = Finish.STOP
    stopped_by: str = ""

    @property
    def reasoning_tokens(self) -> int:
        """Words of the reasoning."""
        return len(self.reasoning.split())

    @property
    def tokens(self) -> int:
        """Words of the answer and its reasoning."""
        said = self.text or self.refusal or " ".join(call.argument for call in self.calls)
        return (max(1, len(said.split())) + self.reasoning_tokens) * self.asked.choices


def reply(asked: Asked, voice: Voice) -> Reply:
    """What is answered to this."""
    words = voice.instead or asked.words
    reasoning = f"They said: {words}" if asked.thinks else ""
    if voice.refuses:
        return Reply(asked=asked, refusal=f"I will not answer: {words}", reasoning=reasoning, finish=Finish.REFUSAL)
    calls = _calls(asked, words)
    if calls:
        return Reply(asked=asked, calls=calls, reasoning=reasoning, finish=Finish.CALLS)
    return _ended(asked, _shaped(asked, f"{voice.prefix}{words}"), reasoning)


def pieces(text: str, size: int) -> Iterator[str]:
    """`text` in pieces of `size` characters."""
    for at in range(0, len(text), size):
        yield text[at : at + size]


def text_of(content: Json) -> str:
    """The text of a content: a string, or the texts of its parts (a tool result's own content among them)."""
    if isinstance(content, str):
        return content
    return " ".join(text_of(part.get("text") or part.get("content")) for part in objects(content))


def words_in(*contents: Json) -> int:
    """How many words these contents have together."""
    return sum(len(text_of(content).split()) for content in contents)


def objects(value: Json) -> list[Body]:
    """The objects in a list; nothing for what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inner(value: Json, name: str) -> Body:
    """The object called `name` in an object; empty for anything else."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def whole_number(value: Json, otherwise: int) -> int:
    """A positive whole number; `otherwise` for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else otherwise


def strings(value: Json) -> tuple[str, ...]:
    """A string or a list of strings, as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def mode_of(value: Json) -> Mode:
    """The mode that a request names: `none`, `required` (or `any`), else `auto`."""
    return {"none": Mode.NONE, "required": Mode.REQUIRED, "any": Mode.REQUIRED}.get(str(value), Mode.AUTO)


def _calls(asked: Asked, words: str) -> tuple[Call, ...]:
    if asked.choice.mode is Mode.NONE or (asked.answering and asked.choice.mode is Mode.AUTO):
        return ()
    offered = [tool for tool in asked.tools if not asked.choice.names or tool.name in asked.choice.names]
    chosen = _chosen(asked, offered)
    return tuple(
        Call(asked.calls + number, tool.name, _argument(tool, words), tool.custom)
        for number, tool in enumerate(chosen if asked.parallel else chosen[:1], 1)
    )


def _chosen(asked: Asked, offered: list[Tool]) -> list[Tool]:
    """The tools that the user names, in the order in which they do; else the next one."""
    fresh = [tool for tool in offered if tool.name not in asked.called]
    places = {tool.name: re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", asked.words) for tool in fresh}
    named = [(place.start(), tool) for tool in fresh if (place := places[tool.name])]
    if named and not asked.answering:
        return [tool for _, tool in sorted(named, key=lambda pair: pair[0])]
    return fresh[:1] or offered[-1:]


def _argument(tool: Tool, words: str) -> str:
    return words if tool.custom else dump_json(arguments(tool.schema, words)).decode()


def _shaped(asked: Asked, text: str) -> str:
    match asked.form:
        case Form.PROSE:
            return text
        case Form.OBJECT:
            keys = re.findall(r"'(\w+)'(?=[^.]*\bkeys\b)", asked.words) or ["answer"]
            return dump_json(dict.fromkeys(keys, text)).decode()
        case Form.SCHEMA:
            return dump_json(instance(asked.schema, text)).decode()


def _ended(asked: Asked, text: str, reasoning: str) -> Reply:
    """The text up to its first stop sequence and no longer than the limit."""
    found = [(text.find(stop), stop) for stop in asked.stop if stop and stop in text]
    at, stop = min(found, default=(len(text), ""))
    words = list(re.finditer(r"\S+", text[:at]))
    if 0 <= asked.limit < len(words):
        kept = text[: words[asked.limit - 1].end()]
        return Reply(asked=asked, text=kept, reasoning=reasoning, finish=Finish.LENGTH)
    finish = Finish.STOP_SEQUENCE if stop else Finish.STOP
    return Reply(asked=asked, text=text[:at], reasoning=reasoning, finish=finish, stopped_by=stop)
