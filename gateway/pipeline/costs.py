"""What an answer cost, in tokens and in money, and what it would have cost and taken on the other way."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.domain.conversation import Conversation, Operation
from gateway.domain.costs import NO_OTHER_WAY, UNPRICED, Cost, OtherWay
from gateway.domain.evidence import Decided, Outcome, Result, Route
from gateway.domain.finding import Task

_LETTERS, _TOKENS_OF_A_PART = 4, 1000
"""For estimates: letters of a token, and tokens of an image, a recording or a file."""
_UNBILLED = {Operation.INPUT_TOKENS, Operation.MODERATIONS}
_UNBILLED_ENDS = {Result.REJECTED, Result.NOT_SENT}
_REMEMBERED = 200
"""So many of the latest answers of a kind say what the next one would take."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What was asked and what was answered, in tokens."""

    prompt: int
    completion: int


class Prices(Protocol):
    """Knows what destinations cost."""

    def cost(self, destination: str, model: str, tokens: Tokens, microseconds: int) -> Cost:
        """Of an answer of so many tokens that took so long. `model` is the caller's name for the model."""
        ...


class Costing:
    """Tells of outcomes what they cost, and what the other way would have. Remembers how long answers took, by
    destination, operation and task, in this process."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._took: dict[tuple[str, Operation, Task], deque[int]] = {}

    def told(self, evidence: Decided, conversation: Conversation, outcome: Outcome, events: int) -> Outcome:
        """The outcome with its cost. The other way is told of a request that was answered, and could have gone either.

        `events` are those of a stream, 0 for an answer in one piece."""
        taken = self._cost(evidence, conversation, outcome, events)
        if outcome.result is not Result.COMPLETED:
            return replace(outcome, cost=taken)
        kind = (evidence.destination, conversation.operation, evidence.task.task)
        self._took.setdefault(kind, deque(maxlen=_REMEMBERED)).append(outcome.duration)
        tokens = tokens_of(conversation, outcome, events)
        return replace(outcome, cost=taken, other=self._other(evidence, conversation.operation, tokens))

    def _cost(self, evidence: Decided, conversation: Conversation, outcome: Outcome, events: int) -> Cost:
        billed = not _went_outside(evidence) or external_tokens(evidence, conversation, outcome, events)
        tokens = tokens_of(conversation, outcome, events) if billed else Tokens(0, 0)
        return self._prices.cost(evidence.destination, evidence.model, tokens, outcome.duration)

    def _other(self, evidence: Decided, operation: Operation, tokens: Tokens) -> OtherWay:
        outside = _went_outside(evidence)
        destination = evidence.alias.local if outside else evidence.alias.external
        if not destination:
            return NO_OTHER_WAY
        took = self._took.get((destination, operation, evidence.task.task), ())
        typical = int(statistics.median(took)) if took else 0
        # What a machine inside costs goes by time, so it cannot be told before its time is known.
        unknown = outside and not took
        cost = UNPRICED if unknown else self._prices.cost(destination, evidence.model, tokens, typical)
        return OtherWay(destination, cost, typical, len(took))


def external_tokens(evidence: Decided, conversation: Conversation, outcome: Outcome, events: int) -> int:
    """What the answer to a request cost outside: as it reports, else estimated from what was asked and told.

    `events` counts those of a stream, 0 for an answer in one piece: providers send about one token in each. Nothing is
    counted for an answer from inside, for what providers do not bill, and where the provider refused the request or
    failed before it answered.
    """
    nothing_told = outcome.result is Result.FAILED and not outcome.answer_bytes
    unbilled = outcome.result in _UNBILLED_ENDS or conversation.operation in _UNBILLED
    if not _went_outside(evidence) or nothing_told or unbilled:
        return 0
    tokens = tokens_of(conversation, outcome, events)
    return tokens.prompt + tokens.completion


def tokens_of(conversation: Conversation, outcome: Outcome, events: int) -> Tokens:
    """What was asked and answered: as reported, else estimated."""
    if outcome.prompt_tokens + outcome.completion_tokens:
        return Tokens(outcome.prompt_tokens, outcome.completion_tokens)
    asked = sum(len(leaf.text) for leaf in conversation.leaves) // _LETTERS
    return Tokens(asked + _TOKENS_OF_A_PART * len(conversation.opaque), events or outcome.answer_bytes // _LETTERS)


def _went_outside(evidence: Decided) -> bool:
    return evidence.route in {Route.EXTERNAL, Route.EXTERNAL_TRANSFORMED}
