"""An answer may name thousands of places at once: the work grows with its length, and not with its square."""

from __future__ import annotations

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
from tests.growth import assert_linear

Event = dict[str, Json]
MANY = 10_000
HALF = "[EMAIL"


def chat(many: int) -> Iterable[Event]:
    """A choice each, all begun before one ends."""
    begun: list[Json] = [{"index": each, "delta": {"content": HALF}} for each in range(many)]
    ended: list[Json] = [{"index": each, "delta": {}, "finish_reason": "stop"} for each in range(many)]
    return [{"choices": begun}, {"choices": ended}]


def completions(many: int) -> Iterable[Event]:
    """A choice each."""
    begun: list[Json] = [{"index": each, "text": HALF} for each in range(many)]
    return [{"choices": begun}]


def responses(many: int) -> Iterable[Event]:
    """An item each."""
    for each in range(many):
        yield {"type": "response.output_text.delta", "output_index": each, "content_index": 0, "delta": HALF}
    for each in range(many):
        yield {"type": "response.content_part.done", "output_index": many + each, "content_index": 0, "part": {}}
    yield {"type": "response.completed", "response": {}}


def messages(many: int) -> Iterable[Event]:
    """A block each."""
    for each in range(many):
        yield {"type": "content_block_delta", "index": each, "delta": {"type": "text_delta", "text": HALF}}
    for each in range(many):
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
def test_restoring_many_running_texts(restorer: type[ChatRestorer], events: Callable[[int], Iterable[Event]]) -> None:
    """Each holds something back until it ends, and all of it comes."""

    def restored(many: int) -> None:
        restoring: Restoring = restorer(VAULT)
        told = [piece for event in events(many) for piece in restoring.event(dump_json(event))]
        assert many == sum(piece.count(HALF.encode()) for piece in [*told, *restoring.finish()])

    assert_linear(restored, MANY // 8)


def test_cutting_many_places_of_many_pieces() -> None:
    """A running text of many events in which much is found."""

    def cut(many: int) -> None:
        documents: list[Event] = [{"choices": [{"index": 0, "delta": {"content": "ab "}}]} for _ in range(many)]
        [text] = texts_of(documents)
        text.cut([Cut(3 * each, 3 * each + 2, "#") for each in range(many)])
        assert "# " * many == text.text

    assert_linear(cut, MANY // 8)
