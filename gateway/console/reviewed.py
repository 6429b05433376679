"""The review of one decision, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.console.asked import Asked
from gateway.domain.evidence import ReviewAction
from gateway.domain.reviewing import may_sign, unheld
from gateway.domain.strict_json import Json


async def review_of(asked: Asked, decision_id: str, recorded: Sequence[Mapping[str, Json]]) -> dict[str, object]:
    """What the page of a decision shows of its review, of which `recorded` are the records."""
    notes = await asked.parts.reviews.notes(decision_id)
    item = await asked.parts.reviews.item(decision_id)
    wrong = sorted({each.entity for each in notes if each.entity and each.verdict == ReviewAction.FALSE_POSITIVE})
    return {
        "item": item,
        "notes": notes,
        "unheld": unheld(item, notes, recorded),
        "names": {each.id: each.name for each in await asked.parts.accounts.list()},
        "unsigned": may_sign(item, notes, asked.who) if item is not None else "",
        "wrong": wrong,
    }
