"""An external model that sends nothing: it redeems, keeps what would have left, and plays the answers it was given."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from gateway.domain.clearance import Clearance, ClearanceError, redeem
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.strict_json import dump_json, parse_json
from gateway.pipeline.ports import ExternalAnswer, Health, Rejected, Streamed, Whole
from gateway.testing.stand_in_dialects import BY_OPERATION
from gateway.testing.stand_in_mind import Voice

_PIECE = 8


@dataclass(frozen=True, slots=True)
class Events:
    """A scripted stream: these payloads, then its end, or a cut."""

    payloads: Sequence[bytes] = field(repr=False)
    cut: bool = False


Scripted = Whole | Rejected | Events | UpstreamError


class RecordingExternal:
    """Implements `ports.ExternalModel`. What is not scripted is answered like the stand-in provider does."""

    def __init__(self, destination: str, *answers: Scripted) -> None:
        self._destination = destination
        self._answers = deque(answers)
        self.sent: list[tuple[str, bytes]] = []
        self.closed = 0
        self.speaks = frozenset({Operation.CHAT})

    def script(self, *answers: Scripted) -> None:
        """Play these for the next requests, one each."""
        self._answers.extend(answers)

    async def complete(self, clearance: Clearance) -> ExternalAnswer:
        """The next scripted answer. Raises `UpstreamError` when one is scripted."""
        destination, operation, body = redeem(clearance)
        if destination != self._destination or operation not in self.speaks:
            raise ClearanceError("the clearance names another destination or operation")
        self.sent.append((destination, body))
        scripted = self._answers.popleft() if self._answers else _plain(operation, body)
        if isinstance(scripted, UpstreamError):
            raise scripted
        return Streamed(_Playing(self, scripted)) if isinstance(scripted, Events) else scripted

    async def models(self) -> tuple[str, ...]:
        """None."""
        return ()

    async def health(self) -> Health:
        """Always well."""
        return Health(ok=True, detail="")


class _Playing:
    """A scripted stream. Counts each stream once that was closed or read to its end."""

    def __init__(self, model: RecordingExternal, events: Events) -> None:
        self._model = model
        self._waiting = deque(events.payloads)
        self._cut = events.cut
        self._open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._open and self._waiting:
            return self._waiting.popleft()
        cut = self._open and self._cut
        await self.aclose()
        if cut:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """The stream is not wanted any more."""
        self._model.closed += self._open
        self._open = False


def _plain(operation: Operation, body: bytes) -> Whole | Events:
    request = parse_json(body)
    assert isinstance(request, dict), "a cleared body is an object"
    endpoint, voice = BY_OPERATION[operation], Voice(size=_PIECE)
    if request.get("stream") is not True or endpoint.events is None:
        return Whole(dump_json(endpoint.whole(request, voice)))
    return Events([dump_json(event) for event in endpoint.events(request, voice)])
