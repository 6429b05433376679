"""What an answer may show: a policy's `answers`, and the pure judgement of an answer by them.

A finding rule speaks of what the detector finds in the answer's texts; with `new` only of values that the request did
not hold, so a caller keeps seeing their own data. A link rule speaks of addresses that a client would fetch (images)
or offer (links): the usual way to carry data out by an answer. The strictest action of all rules that match counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.answer_links import LinkKind, is_at, links_of
from gateway.domain.finding import Examined, Finding, LeafReport, Permille
from gateway.domain.folding import fold
from gateway.domain.labels import BESIDE_A_PERSON, DataClass, Entity


class AnswerAction(StrEnum):
    """What becomes of what a rule matches: its place in the text is masked, or the whole answer is withheld."""

    MASK = "mask"
    WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True)
class FindingRule:
    """Findings of these entities or classes, sure enough; `new`: only values that the request did not hold."""

    id: str
    entities: frozenset[Entity]
    classes: frozenset[DataClass]
    min_confidence: Permille
    new: bool
    action: AnswerAction


@dataclass(frozen=True, slots=True)
class LinkRule:
    """Addresses of these kinds, save those of the hosts in `allow` (`*.example.com`: the hosts below it)."""

    id: str
    kinds: frozenset[LinkKind]
    allow: tuple[str, ...]
    action: AnswerAction


AnswerRule = FindingRule | LinkRule


@dataclass(frozen=True, slots=True)
class Guard:
    """What the answer to one request is judged by. `classify` says the classes of an entity, `asked` is the folded text
    of the request."""

    rules: tuple[AnswerRule, ...]
    classify: Callable[[Entity], frozenset[DataClass]]
    asked: str = field(repr=False)

    def holds(self, value: str) -> bool:
        """Whether the request held this value, not only as a part of a longer word."""
        shown = fold(value)
        at = self.asked.find(shown)
        while at >= 0 and shown:
            end = at + len(shown)
            before, behind = self.asked[at - 1 : at], self.asked[end : end + 1]
            if not (_spells(before) and _spells(shown[0])) and not (_spells(behind) and _spells(shown[-1])):
                return True
            at = self.asked.find(shown, at + 1)
        return False

    @property
    def looks_for_findings(self) -> bool:
        """Whether the detector has to look at the answer."""
        return any(isinstance(rule, FindingRule) for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Cut:
    """Characters `start` to `end` of a text, to be replaced by `mark`."""

    start: int
    end: int
    mark: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What is cut out of a text, and the rules that matched in it. `withheld`: nothing of the answer may be shown."""

    cuts: tuple[Cut, ...]
    rules: frozenset[str]
    withheld: bool


def _spells(letter: str) -> bool:
    """Whether words of this (folded) letter end where it does: not so in scripts without capitals or spaces."""
    return letter.islower() or letter.isdigit()


def judge(text: str, report: LeafReport, guard: Guard) -> Judged:
    """One text of an answer. A text that could not be examined counts as one that may not be shown."""
    if guard.looks_for_findings and not isinstance(report, Examined):
        return Judged((), frozenset(), withheld=True)
    findings = report.findings if isinstance(report, Examined) else ()
    matches = [*_findings(text, findings, guard), *_links(text, guard)]
    withheld = any(rule.action is AnswerAction.WITHHOLD for rule, _ in matches)
    return Judged(_without_overlaps([cut for _, cut in matches]), frozenset(rule.id for rule, _ in matches), withheld)


def _findings(text: str, findings: Sequence[Finding], guard: Guard) -> Iterator[tuple[AnswerRule, Cut]]:
    matters = {BESIDE_A_PERSON[finding.entity] for finding in findings if finding.entity in BESIDE_A_PERSON}
    for finding in findings:
        classes = guard.classify(finding.entity)
        if DataClass.PII in classes:
            classes |= matters
        value = text[finding.start : finding.end]
        for rule in guard.rules:
            if not isinstance(rule, FindingRule) or not _speaks_of(rule, finding, classes):
                continue
            if not (rule.new and guard.holds(value)):
                yield rule, Cut(finding.start, finding.end, f"[{finding.entity}]")


def _speaks_of(rule: FindingRule, finding: Finding, classes: frozenset[DataClass]) -> bool:
    named = finding.entity in rule.entities or not rule.classes.isdisjoint(classes)
    return named and finding.confidence >= rule.min_confidence


def _links(text: str, guard: Guard) -> Iterator[tuple[AnswerRule, Cut]]:
    rules = [rule for rule in guard.rules if isinstance(rule, LinkRule)]
    for link in links_of(text) if rules else ():
        for rule in rules:
            if not rule.kinds.isdisjoint(link.kinds) and not all(is_at(each, rule.allow) for each in link.addresses):
                yield rule, Cut(link.start, link.end, "removed-by-policy")


def _without_overlaps(cuts: Sequence[Cut]) -> tuple[Cut, ...]:
    """Sorted; what overlaps becomes one cut with the first one's mark."""
    result: list[Cut] = []
    for cut in sorted(cuts, key=lambda each: (each.start, -each.end, each.mark)):
        if result and cut.start < result[-1].end:
            last = result[-1]
            result[-1] = Cut(last.start, max(last.end, cut.end), last.mark)
        else:
            result.append(cut)
    return tuple(result)
