"""Answers that repeat nothing of the request: embeddings, moderations, counts of input tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.dialects.answers import Usage, answer_object, count
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.mask import Vault
from gateway.domain.restore import Restorer, restore_json
from gateway.domain.strict_json import dump_json

PLAIN = frozenset({Operation.INPUT_TOKENS, Operation.EMBEDDINGS, Operation.MODERATIONS})


@dataclass(slots=True)
class PlainAnswer:
    """Notes the usage and changes nothing; an error body may quote the request and is restored."""

    vault: Vault
    usage: Usage = field(default_factory=Usage)
    _restorer: Restorer = field(init=False)

    def __post_init__(self) -> None:
        self._restorer = Restorer(self.vault)

    @property
    def restored(self) -> int:
        """How many placeholders were turned back."""
        return self._restorer.restored

    def whole(self, body: bytes) -> bytes:
        """The same bytes. Raises `UpstreamError` for what is no JSON object."""
        answer = answer_object(body)
        self.usage.note(answer)
        self.usage.prompt = count(answer.get("input_tokens"), self.usage.prompt)
        return body

    def error(self, body: bytes) -> bytes:
        """A provider's error body, restored."""
        return dump_json(restore_json(answer_object(body), self._restorer)) if self.vault else body

    def event(self, data: bytes) -> Iterator[bytes]:
        """Raises `UpstreamError`: these answers are never streamed."""
        del data
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR)

    def finish(self) -> Iterator[bytes]:
        """Nothing is held back."""
        return iter(())
