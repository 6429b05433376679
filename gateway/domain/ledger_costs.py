"""What answers cost in a period, and what those from inside saved, counted from the records' own estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.strict_json import Json, number_at, object_at, text_at

_MOST_KINDS = 10_000
_SENT = ("", "")
_HEAD = ("answers", "outside", "inside", "saved", "by tenant, app and task, in US dollars")
_ESTIMATED = (
    "Estimates, of requests whose model leads outside and inside: the same tokens at list prices, time at hourly_cost."
    " The policy may have let none of them leave."
)

SAVED = "What answers from inside would have cost outside"
"""The heading of `PeriodCosts.table`."""


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

    def row(self, name: str) -> tuple[str, ...]:
        """Of a table under `PeriodCosts.table`'s head."""
        return (f"{self.answers}", *map(_dollars, (self.outside, self.inside, self.saved)), name)


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

    def table(self) -> tuple[list[tuple[str, ...]], list[str]]:
        """What answers from inside saved: rows, the first of them the head, and what to know of them."""
        total = self.total
        ordered = sorted(self.savings.items(), key=lambda item: (-item[1].saved, item[0]))
        rows = [saving.row(f"{app}, {task}") for (app, task), saving in ordered]
        notes = [_ESTIMATED]
        if total.unpriced:
            notes.append(f"{total.unpriced} answers have no known price outside, and count as nothing there.")
        if total.free:
            notes.append(f"{total.free} answers came from a machine of which nobody said what it costs (hourly_cost).")
        unpriced = f", and {self.unpriced} answers without a known price" if self.unpriced else ""
        notes.append(f"What was sent outside cost ${_dollars(self.spent)} at list prices{unpriced}.")
        return [_HEAD, *rows, total.row("all")], notes

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


def _dollars(nano: int) -> str:
    return f"{nano / 1e9:.4f}"
