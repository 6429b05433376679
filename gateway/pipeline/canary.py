"""The canary: the gateway asks itself, on a timer and under each new policy, with synthetic values that must not leave.

    draw      a value of a kind, right by its own check digits                    pipeline.canary_probes
    ask       through the story that answers everybody: the same reader, detector, policies, ledger
    listen    where a destination outside would stand, a sink that counts what is cleared for it, and sends nothing

Each destination outside is asked through every operation and kind of place. A value that reaches a sink is a leak
that a caller would have had: health fails, with the operation and the field, until a whole round is clean. A round in
which some request met a part that is down proves nothing of it, and counts as incomplete.

Its records are those of the app and tenant `domain.evidence.SYNTHETIC`, whose name no key can have.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.domain.alias import Alias
from gateway.domain.capability import Capability
from gateway.domain.clearance import Clearance, redeem
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.errors import CallerError, GatewayFault
from gateway.domain.evidence import SYNTHETIC
from gateway.domain.labels import Label
from gateway.domain.strict_json import Json, dump_json
from gateway.pipeline.canary_probes import KINDS, PROBES, Probe
from gateway.pipeline.ports import Clock, Health, LocalAnswer, PolicySource, Principal, Rejected, Whole
from gateway.pipeline.recording import Asked
from gateway.pipeline.story import Story

LOOK_S = 15.0
"""How often it looks for a new policy, which is asked about at once."""
SOON_S = 60.0
"""After a round that was not clean, the next one comes at the latest after this time."""
_WHO = Principal(key_id=SYNTHETIC, name=SYNTHETIC, tenant=SYNTHETIC, app=SYNTHETIC)
_PASSED = "synthetic values got out: "
_MOST_TOLD = 8
_REFUSAL: Json = {"error": {"message": "canary", "type": "canary", "param": None, "code": None}}
_MESSAGE: Json = {"role": "assistant", "content": ""}
_ANSWER: Mapping[str, Json] = {
    "id": "canary",
    "object": "chat.completion",
    "created": 0,
    "model": "canary",
    "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
}

_log = logging.getLogger("gateway.canary")


class CanaryObserver(Protocol):
    """Counts rounds."""

    def round_ended(self, result: str, passed: Iterable[tuple[str, str]], at: int) -> None:
        """A round ended `clean`, `incomplete` or `passed`: the operations and fields where a value did; the time now,
        in microseconds."""
        ...


class Sink:
    """Implements `ports.ExternalModel` in the place of a destination outside. Counts, and sends nothing."""

    def __init__(self, speaks: frozenset[Operation]) -> None:
        self.speaks = speaks
        self.received = 0
        self.held_value = False
        self._value = ""

    def expect_not(self, value: str) -> None:
        """From now on, this value must not arrive."""
        self._value, self.held_value = _squeezed(value), False

    async def complete(self, clearance: Clearance) -> Rejected:
        """Count what was cleared, and look for the value in it."""
        _, _, body = redeem(clearance)
        self.received += 1
        self.held_value = self.held_value or self._value in _squeezed(body.decode("utf-8", "replace"))
        return Rejected(400, dump_json(_REFUSAL), 0)

    async def models(self) -> tuple[str, ...]:
        """None."""
        return ()

    async def health(self) -> Health:
        """Well."""
        return Health(ok=True, detail="")


class Inside:
    """Implements `ports.LocalModel` in the place of a model inside: what was kept in is answered with nothing."""

    speaks = frozenset({Operation.CHAT})

    def lacks(self, conversation: Conversation) -> frozenset[Capability]:
        """Nothing."""
        del conversation
        return frozenset()

    async def complete(self, conversation: Conversation) -> LocalAnswer:
        """An empty answer."""
        del conversation
        return Whole(dump_json(dict(_ANSWER)))

    async def models(self) -> tuple[str, ...]:
        """None."""
        return ()

    async def health(self) -> Health:
        """Well."""
        return Health(ok=True, detail="")


@dataclass(slots=True)
class _Round:
    """What one round has shown so far."""

    passed: list[tuple[str, str, str]] = field(default_factory=list)  # destination, operation, field
    unknown: int = 0

    @property
    def result(self) -> str:
        """In a word."""
        return "passed" if self.passed else "incomplete" if self.unknown else "clean"


class Canary:
    """Asks on a timer. `story` answers from `sinks` where others are answered from destinations of the same names, and
    `models` names a model for each of them. For one event loop; `start` it once the story can answer."""

    def __init__(
        self,
        *,
        story: Story,
        sinks: Mapping[str, Sink],
        models: Mapping[str, str],
        policies: PolicySource,
        clock: Clock,
        observer: CanaryObserver,
        interval_s: float,
    ) -> None:
        self._story = story
        self._sinks = sinks
        self._models = models
        self._policies = policies
        self._clock = clock
        self._observer = observer
        self._interval = interval_s
        self._rounds = 0
        self._one_at_a_time = asyncio.Lock()
        self._passed: tuple[tuple[str, str, str], ...] = ()
        self._asking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, if there is a destination to watch. The first round comes after one interval."""
        if not self._models:
            return
        self._asking = asyncio.create_task(self._ask_for_ever(), name="canary")

    async def stop(self) -> None:
        """End, and wait until what was asked is recorded."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking
            self._asking = None
        await self._story.drain()

    async def health(self) -> Health:
        """Not ok from the moment a value passed until a whole round is clean, or when nobody asks any more."""
        if self._passed:
            return Health(ok=False, detail=_PASSED + "; ".join(" ".join(each) for each in self._passed[:_MOST_TOLD]))
        dead = self._asking is not None and self._asking.done()
        return Health(ok=not dead, detail="the canary has stopped" if dead else "")

    async def round(self) -> str:
        """Ask everything once: `clean`, `incomplete` or `passed`. One round at a time: a sink looks for one value."""
        async with self._one_at_a_time:
            return await self._round()

    async def _round(self) -> str:
        done = _Round()
        for destination, model in self._models.items():
            for index, probe in enumerate(PROBES):
                await self._ask(done, destination, model, probe, self._rounds + index)
        self._rounds += 1
        if done.result != "incomplete":
            self._passed = tuple(done.passed)
        places = {(operation, place) for _, operation, place in self._passed}
        self._observer.round_ended(done.result, places, self._clock.now())
        return done.result

    async def _ask(self, done: _Round, destination: str, model: str, probe: Probe, turn: int) -> None:
        drawn, sink = KINDS[turn % len(KINDS)](), self._sinks[destination]
        sink.expect_not(drawn.value)
        asked = Asked(probe.operation, probe.body(model, drawn.text), _WHO, Label(""), "")
        try:
            await self._story.answer(asked)
        except CallerError:
            pass  # the destination does not serve the operation: nothing can leave there
        except GatewayFault:
            done.unknown += 1
        if sink.held_value:
            done.passed.append((destination, probe.operation.value, probe.place))
            about = {"destination": destination, "operation": probe.operation.value, "field": probe.place}
            _log.critical("a synthetic value got out", extra={"fields": {**about, "kind": drawn.name}})

    async def _ask_for_ever(self) -> None:
        pause, policy = self._interval, self._policies.current().digest
        while True:
            await self._pause(pause, policy)
            policy = self._policies.current().digest
            result = await self.round()
            pause = self._interval if result == "clean" else min(self._interval, SOON_S)

    async def _pause(self, seconds: float, policy: str) -> None:
        """Until the next round is due, or another policy than this one is in force."""
        until = asyncio.get_running_loop().time() + seconds
        left = seconds
        while left >= 0 and self._policies.current().digest == policy:
            await asyncio.sleep(min(left, LOOK_S))
            left = until - asyncio.get_running_loop().time()


def models_of(aliases: Mapping[str, Alias]) -> dict[str, str]:
    """For each destination outside that callers can reach, a model name that leads to it."""
    named: dict[str, str] = {}
    for name, alias in aliases.items():
        if alias.external:
            named.setdefault(alias.external, _named(name))
    return named


def _named(pattern: str) -> str:
    return f"{pattern[:-1]}canary" if pattern.endswith("*") else pattern


def _squeezed(text: str) -> str:
    """Letters and digits alone: a value with other separators is the same value."""
    return "".join(filter(str.isalnum, text)).lower()
