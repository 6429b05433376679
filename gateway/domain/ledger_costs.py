"""What answers cost in a period, and what those from inside saved, counted from the records' own estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.strict_json import Json, number_at, object_at, text_at

_MOST_KINDS = 10_000
_SENT = ("", "")


@dataclass(slots=True)
class Saving:
    """Answers from inside of one app and task, which had a destination outside too. Billionths of a US dollar.

    `outside` is what those with a known price there would have cost, `unpriced` had none; `inside` is what they cost
    here, and of `free` of them nobody said what their machine costs.
    """

    answers: int = 0
    outside: int = 0
    unpriced: int = 0
    inside: int = 0
    free: int = 0

    @property
    def saved(self) -> int:
        """Outside less inside."""
        return self.outside - self.inside


@dataclass(slots=True)
class PeriodCosts:
    """Costs of a period. `spent` outside, with `unpriced` answers that had no price; `savings` by app and task."""

    spent: int = 0
    unpriced: int = 0
    savings: dict[tuple[str, str], Saving] = field(default_factory=dict)
    _open: dict[str, tuple[str, str]] = field(default_factory=dict)

    def decided(self, document: Mapping[str, Json]) -> None:
        """A decision to send or to answer inside. Its outcome comes later."""
        inside = text_at(document, "k") == "local"
        app = f"{text_at(document, 'tenant')} / {text_at(document, 'app')}"
        kind = (app, text_at(object_at(document, "task"), "is")) if inside else _SENT
        self._open[text_at(document, "id")] = kind

    def ended(self, document: Mapping[str, Json]) -> None:
        """An outcome. That of a decision before the period belongs to the period before."""
        decision_id = text_at(document, "id")
        if decision_id not in self._open:
            return
        kind = self._open.pop(decision_id)
        cost, other = object_at(document, "cost"), object_at(document, "other")
        if kind == _SENT:
            self.spent += number_at(cost, "nusd")
            self.unpriced += not number_at(cost, "known")
        elif text_at(other, "d") and (kind in self.savings or len(self.savings) < _MOST_KINDS):
            saving = self.savings.setdefault(kind, Saving())
            saving.answers += 1
            saving.outside += number_at(other, "nusd")
            saving.unpriced += not number_at(other, "known")
            saving.inside += number_at(cost, "nusd")
            saving.free += not number_at(cost, "known")

    @property
    def total(self) -> Saving:
        """All apps and tasks together."""
        total = Saving()
        for each in self.savings.values():
            total.answers += each.answers
            total.outside += each.outside
            total.unpriced += each.unpriced
            total.inside += each.inside
            total.free += each.free
        return total
