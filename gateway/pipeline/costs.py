"""What an answer from outside cost, in tokens."""

from __future__ import annotations

from gateway.domain.conversation import Conversation, Operation
from gateway.domain.evidence import Decided, Outcome, Result, Route

_LETTERS, _TOKENS_OF_A_PART = 4, 1000
"""For estimates: letters of a token, and tokens of an image, a recording or a file."""
_UNBILLED = {Operation.INPUT_TOKENS, Operation.MODERATIONS}
_UNBILLED_ENDS = {Result.REJECTED, Result.NOT_SENT}


def external_tokens(evidence: Decided, conversation: Conversation, outcome: Outcome, events: int) -> int:
    """What the answer to a request cost outside: as it reports, else estimated from what was asked and told.

    `events` counts those of a stream, 0 for an answer in one piece: providers send about one token in each. Nothing is
    counted for an answer from inside, for what providers do not bill, and where the provider refused the request or
    failed before it answered.
    """
    outside = evidence.route in {Route.EXTERNAL, Route.EXTERNAL_TRANSFORMED}
    nothing_told = outcome.result is Result.FAILED and not outcome.answer_bytes
    if not outside or nothing_told or outcome.result in _UNBILLED_ENDS or conversation.operation in _UNBILLED:
        return 0
    reported = outcome.prompt_tokens + outcome.completion_tokens
    if reported:
        return reported
    asked = sum(len(leaf.text) for leaf in conversation.leaves) // _LETTERS
    return asked + _TOKENS_OF_A_PART * len(conversation.opaque) + (events or outcome.answer_bytes // _LETTERS)
