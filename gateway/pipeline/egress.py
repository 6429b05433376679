"""The story of the egress: the process that alone may send, and only what the gateway sealed.

    (1) open      the seal is one of a gateway that this egress obeys                ports below
    (2) check     the destination is one of ours, the time is now, the size is allowed
    (3) read      the bytes are exactly the sealed ones                              domain._admit
    (4) spend     this decision was not sent before                                  UsedClearances
    (5) send      the bytes to their one destination                                 ports.ExternalModel

Whatever does not pass is refused with a record, and nothing is sent. No step gives a reason to try another destination.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol

from gateway.domain._admit import admit, check_time
from gateway.domain.errors import GatewayFault, UpstreamError
from gateway.domain.sealed import RefusalReason, Sealed, SealRefused
from gateway.pipeline.ports import Clock, ExternalAnswer, ExternalModel, Health


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is recorded of a refusal. Decision and destination are empty unless the seal was genuine: whoever has no key
    writes nothing into the record. `peer` is the address that asked, `at` microseconds since the epoch."""

    at: int
    reason: RefusalReason
    peer: str
    decision_id: str
    destination: str


class Seals(Protocol):
    """Knows the gateways' public keys."""

    def open(self, token: str) -> Sealed:
        """What a genuine seal stands for, its receipt checked as well. Raises `SealRefused`."""
        ...


class UsedClearances(Protocol):
    """Remembers which decisions were sent, for as long as their seals are good."""

    @property
    def outlives_restarts(self) -> bool:
        """Whether it still knows, after this process started again, what was used before."""
        ...

    async def first(self, decision_id: str, seconds: float) -> bool:
        """Whether nobody used this decision before; from now on it is used, for at least so many seconds. Raises
        `GatewayFault` when that cannot be known."""
        ...

    async def health(self) -> Health:
        """Whether it could be asked now."""
        ...


class Refusals(Protocol):
    """Keeps the record of what was refused."""

    async def append(self, refusal: Refusal) -> None:
        """Keep it. A refusal that cannot be written stays a refusal, and shows in `health`."""
        ...

    async def health(self) -> Health:
        """Whether the last refusal could be kept."""
        ...


class EgressObserver(Protocol):
    """Counts what happens. Labels are codes and configured names."""

    def refused(self, reason: str) -> None:
        """Something was not sent."""
        ...

    def sent(self, destination: str, result: str) -> None:
        """Cleared bytes went to a destination, and so it answered: `answered` or the code of an error."""
        ...


class Egress:
    """Sends what the gateway sealed. Holds no state of one request."""

    def __init__(
        self,
        *,
        seals: Seals,
        externals: Mapping[str, ExternalModel],
        used: UsedClearances,
        refusals: Refusals,
        clock: Clock,
        observer: EgressObserver,
        max_body: int,
        skew_s: float,
    ) -> None:
        self._seals = seals
        self._externals = externals
        self._used = used
        self._refusals = refusals
        self._clock = clock
        self._observer = observer
        self._max_body = max_body
        self._skew = round(skew_s * 1e6)
        self._latest = clock.now()
        self._since = 0 if used.outlives_restarts else self._latest + self._skew

    @property
    def opens_in(self) -> float:
        """Seconds until seals can be accepted: what may have been used before this process began is refused, and the
        gateway's clock may be ahead of ours."""
        return max(0.0, (self._since - self._now()) / 1e6)

    async def open(self, token: str, peer: str) -> Sealed:
        """Steps 1 and 2, before a byte of the body is read. Raises `SealRefused`."""
        sealed = None
        try:
            sealed = self._seals.open(token)
            model = self._externals.get(sealed.destination)
            if model is None or sealed.operation not in model.speaks:
                raise SealRefused(RefusalReason.UNKNOWN_DESTINATION)
            if sealed.size > self._max_body:
                raise SealRefused(RefusalReason.TOO_LARGE)
            self._check_time(sealed)
        except SealRefused as refused:
            await self._refuse(refused.reason, peer, sealed)
        return sealed

    async def send(self, sealed: Sealed, body: bytes, peer: str) -> ExternalAnswer:
        """Steps 3 to 5: the provider's answer.

        Raises `SealRefused` and `GatewayFault` when nothing was sent, `UpstreamError`."""
        try:
            clearance = admit(sealed, body)
            now = self._check_time(sealed)  # the body may have taken its time
            if not await self._used.first(sealed.decision_id, (sealed.expires_at - now) / 1e6):
                raise SealRefused(RefusalReason.REPLAYED)
        except SealRefused as refused:
            await self._refuse(refused.reason, peer, sealed)
        except GatewayFault as fault:
            self._observer.refused(fault.code.value)
            raise
        try:
            answer = await self._externals[sealed.destination].complete(clearance)
        except UpstreamError as error:
            self._observer.sent(sealed.destination, error.code.value)
            raise
        self._observer.sent(sealed.destination, "answered")
        return answer

    async def incomplete(self, sealed: Sealed, peer: str) -> NoReturn:
        """The body did not come, or not as much of it as was sealed. Raises `SealRefused`."""
        await self._refuse(RefusalReason.INCOMPLETE, peer, sealed)

    def _check_time(self, sealed: Sealed) -> int:
        now = self._now()
        check_time(sealed, now=now, since=self._since, skew=self._skew)
        return now

    def _now(self) -> int:
        """The time, which never goes back: else a seal that was forgotten would be good again."""
        self._latest = max(self._latest, self._clock.now())
        return self._latest

    async def _refuse(self, reason: RefusalReason, peer: str, sealed: Sealed | None) -> NoReturn:
        self._observer.refused(reason.value)
        decision_id, destination = (sealed.decision_id, sealed.destination) if sealed else ("", "")
        await self._refusals.append(Refusal(self._clock.now(), reason, peer, decision_id, destination))
        raise SealRefused(reason)
