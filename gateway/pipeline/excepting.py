"""A decision that rests on an exception takes a use of it first.

    decide        with every exception of the bundle: it says which of them the decision rests on
    reserve       a use of each, counted for all processes together      ports.ExceptionUses
    decide again  without those that are used up, as often as some are

Only a decision that an exception changed takes a use. It is taken before the record and before anything is sent, and
never given back: where the record then fails, or the caller has left, the use is gone and nothing was sent. So more
uses can be counted than made, and never more made than allowed. When the count cannot be read, the request is decided
without exceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.domain.decision import Case, Decision, Leave, Masking, decide
from gateway.domain.errors import GatewayFault
from gateway.domain.exceptions import PolicyException
from gateway.pipeline.ports import ExceptionUses

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides, and takes uses of exceptions where a decision rests on them."""

    masking: Masking
    uses: ExceptionUses

    async def decide(self, case: Case, before_leaving: Callable[[], None]) -> Decision:
        """The decision, with a use reserved of each exception that it rests on.

        `before_leaving` is called for a decision to leave, before a use is taken, and raises where the caller may not
        send.
        """
        usable = case.bundle.exception_ids
        while True:
            decision = decide(replace(case, usable=usable), self.masking)
            if isinstance(decision, Leave):
                before_leaving()
            wanted = _wanted(case, decision)
            used_up = await _reserve(self.uses, wanted) if wanted else _NONE
            if not used_up:
                return decision
            usable -= used_up


async def _reserve(uses: ExceptionUses, wanted: tuple[PolicyException, ...]) -> frozenset[str]:
    """The ids of those that cannot be used."""
    try:
        return await uses.reserve(wanted)
    except GatewayFault:
        return frozenset(each.id for each in wanted)


def _wanted(case: Case, decision: Decision) -> tuple[PolicyException, ...]:
    return tuple(each for each in case.bundle.exceptions if each.id in decision.judgement.exceptions)
