"""An answer may name thousands of places at once: the work grows with its length, and not with its square."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import pytest

from gateway.dialects.answers import Restoring
from gateway.dialects.chat import ChatRestorer
from gateway.dialects.completions import CompletionsRestorer
from gateway.dialects.messages_restorer import MessagesRestorer
from gateway.dialects.responses_restorer import ResponsesRestorer
from gateway.dialects.texts import texts_of
from gateway.domain.answer_rules import Cut
from gateway.domain.strict_json import Json, dump_json
from tests.dialects.placeholders import VAULT

Event = dict[str, Json]
MANY, SECONDS = 10_000, 6
HALF = "[EMAIL"


def chat() -> Iterable[Event]:
    """A choice each, all begun before one ends."""
    begun: list[Json] = [{"index": each, "delta": {"content": HALF}} for each in range(MANY)]
    ended: list[Json] = [{"index": each, "delta": {}, "finish_reason": "stop"} for each in range(MANY)]
    return [{"choices": begun}, {"choices": ended}]


def completions() -> Iterable[Event]:
    """A choice each."""
    begun: list[Json] = [{"index": each, "text": HALF} for each in range(MANY)]
    return [{"choices": begun}]


def responses() -> Iterable[Event]:
    """An item each."""
    for each in range(MANY):
        yield {"type": "response.output_text.delta", "output_index": each, "content_index": 0, "delta": HALF}
    for each in range(MANY):
        yield {"type": "response.content_part.done", "output_index": MANY + each, "content_index": 0, "part": {}}
    yield {"type": "response.completed", "response": {}}


def messages() -> Iterable[Event]:
    """A block each."""
    for each in range(MANY):
        yield {"type": "content_block_delta", "index": each, "delta": {"type": "text_delta", "text": HALF}}
    for each in range(MANY):
        yield {"type": "content_block_stop", "index": each}


@pytest.mark.parametrize(
    ("restorer", "events"),
    [
        (ChatRestorer, chat),
        (CompletionsRestorer, completions),
        (ResponsesRestorer, responses),
        (MessagesRestorer, messages),
    ],
)
def test_restoring_many_running_texts(restorer: type[ChatRestorer], events: Callable[[], Iterable[Event]]) -> None:
    """Each holds something back until it ends, and all of it comes."""
    restoring: Restoring = restorer(VAULT)
    given = list(map(dump_json, events()))
    began = time.process_time()
    told = [piece for event in given for piece in restoring.event(event)] + list(restoring.finish())

    assert time.process_time() - began < SECONDS
    assert MANY == sum(piece.count(HALF.encode()) for piece in told)


def test_cutting_many_places_of_many_pieces() -> None:
    """A running text of many events in which much is found."""
    documents: list[Event] = [{"choices": [{"index": 0, "delta": {"content": "ab "}}]} for _ in range(MANY)]
    [text] = texts_of(documents)
    began = time.process_time()
    text.cut([Cut(3 * each, 3 * each + 2, "#") for each in range(MANY)])

    assert time.process_time() - began < SECONDS
    assert "# " * MANY == text.text
