"""The rows of the target table, each a function of the two systems. A row says what was measured, and nothing more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import spacy

from gateway.domain.labels import DEFAULT_TABLE, HEALTH_ENTITIES
from models.recipes.pii_es.evaluate import read
from tests.benchmarks import detection_sets
from tests.benchmarks.detection_data import DATA, MEDDOCAN, SYNTH, UNER, WNUT, Labelled, Span, load, sampled
from tests.benchmarks.detection_scores import Count, interval, mistakes, overlapping, strict, total
from tests.benchmarks.detection_systems import SPANISH, Gateway, PlainPresidio, System
from tests.benchmarks.span_evaluator import SpanEvaluator


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `reached` is None where there is no target or nothing was measured."""

    row: int
    what: str
    target: str
    gateway: str
    plain: str = "-"
    reached: bool | None = None


@dataclass(frozen=True, slots=True)
class Synth:
    """The counts of every text: whatever the entities are called, and entity by entity."""

    whole: list[Count]
    each: list[dict[str, Count]]

    def of(self, entity: str) -> list[Count]:
        """The counts of one entity."""
        return [counts.get(entity, Count()) for counts in self.each]


@dataclass(slots=True)
class Bench:
    """Both systems, how much of each set is read (all for 0), and what went wrong by its kind."""

    gateway: Gateway
    plain: PlainPresidio
    pipeline: str
    sample: int
    wrong: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    _found: dict[tuple[str, str], list[list[Span]]] = field(default_factory=dict)
    _judged: dict[str, Synth] = field(default_factory=dict)

    @property
    def systems(self) -> tuple[System, System]:
        """The gateway first."""
        return self.gateway, self.plain

    def found(self, system: System, name: str, texts: Sequence[str]) -> list[list[Span]]:
        """What a system finds in the texts of a set; each set is read once."""
        key = (system.name, name)
        if key not in self._found:
            self._found[key] = system.find(texts)
        return self._found[key]

    def synth(self, system: System) -> Synth:
        """How a system does on synth_v2; judged once."""
        if system.name not in self._judged:
            self._judged[system.name] = _judge_synth(self, system)
        return self._judged[system.name]

    def note(self, part: str, kind: str, name: str) -> None:
        """Remember something that the gateway got wrong."""
        self.wrong[part, kind].append(name)


_COUNTED_AS = {
    "PUBLIC_FIGURE": "PERSON", "DATE_OF_BIRTH": "DATE_TIME", "STREET_ADDRESS": "LOCATION", "ZIP_CODE": "LOCATION",
}  # fmt: skip
_UNASKED = frozenset({"MEDICAL_CONDITION", "FINANCIAL_AMOUNT", "FINANCIAL_STANDING"})
"""What the sets of names and numbers do not mark, so that it is neither right nor wrong there."""


def _counted(spans: Iterable[Span], names: Mapping[str, str]) -> list[Span]:
    return [replace(s, entity=names.get(s.entity, s.entity)) for s in spans if s.entity not in _UNASKED]


def _score(counts: Sequence[Count], score: Callable[[Count], float]) -> str:
    low, high = interval(counts, score)
    return f"{score(total(counts)):.3f} ({low:.3f}-{high:.3f})"


def _judge_synth(bench: Bench, system: System) -> Synth:
    cases = load("presidio_synth_v2", SYNTH, bench.sample)
    cases = [replace(case, spans=tuple(_counted(case.spans, _COUNTED_AS))) for case in cases]
    judge, whole, each = SpanEvaluator(), [], []
    for case, spans in zip(cases, bench.found(system, "synth", [case.text for case in cases]), strict=True):
        counts, by_entity = judge.counts(case, _counted(spans, _COUNTED_AS))
        whole.append(counts)
        each.append(by_entity)
        if system is bench.gateway:
            for kind in mistakes(case, _counted(spans, _COUNTED_AS)):
                bench.note("synth_v2", kind, case.name)
    return Synth(whole, each)


def synth_whole(bench: Bench) -> Iterator[Line]:
    """Row 1."""
    ours, plain = (bench.synth(system).whole for system in bench.systems)
    scores: tuple[tuple[str, float, Callable[[Count], float]], ...] = (
        ("F2", 0.87, lambda c: c.f2),
        ("precision", 0.88, lambda c: c.precision),
        ("recall", 0.0, lambda c: c.recall),
    )
    for name, least, score in scores:
        reached = score(total(ours)) >= least if least else None
        goal = f">= {least}" if least else "-"
        yield Line(
            1, f"synth_v2, label-agnostic {name}, IoU 0.9", goal, _score(ours, score), _score(plain, score), reached
        )


def synth_entities(bench: Bench) -> Iterator[Line]:
    """Row 2, and the other entities of the set without a target."""
    ours, plain = (bench.synth(system) for system in bench.systems)
    goals = {"PERSON": 0.85, "LOCATION": 0.75, "PHONE_NUMBER": 0.85, "DATE_TIME": 0.8}
    others = sorted({entity for counts in ours.each for entity, c in counts.items() if c.there} - set(goals))
    for entity in (*goals, *others):
        counts, goal = ours.of(entity), goals.get(entity)
        if total(counts).there:
            yield Line(
                2,
                f"synth_v2, {entity} F2" + (" (with addresses and postcodes)" if entity == "LOCATION" else ""),
                f">= {goal}" if goal else "-",
                _score(counts, lambda c: c.f2),
                f"{total(plain.of(entity)).f2:.3f}",
                total(counts).f2 >= goal if goal else None,
            )


def critical(bench: Bench) -> Iterator[Line]:
    """Row 3."""
    ours, plain = (bench.synth(system) for system in bench.systems)
    for entity in ("CREDIT_CARD", "US_SSN", "IBAN_CODE", "EMAIL_ADDRESS", "IP_ADDRESS"):
        there, beside = total(ours.of(entity)), total(plain.of(entity))
        if not there.there:
            yield Line(3, f"synth_v2, {entity} recall", ">= 0.99", "none in this sample")
            continue
        told = f"{there.recall:.3f} ({there.right} of {there.there})"
        yield Line(3, f"synth_v2, {entity} recall", ">= 0.99", told, f"{beside.recall:.3f}", there.recall >= 0.99)


def names(bench: Bench) -> Iterator[Line]:
    """Row 4: a name counts as found where it is told as a person, private or public."""
    goals = (("uner_en_ewt_dev", UNER, 0.85, 0.87), ("wnut17_dev", WNUT, 0.65, 0.75))
    for name, labels, precise, complete in goals:
        cases = load(name, labels, bench.sample)
        texts, shown = [case.text for case in cases], []
        for system in bench.systems:
            found = [_counted(spans, {"PUBLIC_FIGURE": "PERSON"}) for spans in bench.found(system, name, texts)]
            pairs = [overlapping(case, spans, "PERSON") for case, spans in zip(cases, found, strict=True)]
            shown.append(([told for told, _ in pairs], [there for _, there in pairs]))
            if system is bench.gateway:
                _note_names(bench, name, cases, found)
        (told, there), (plain_told, plain_there) = shown
        for what, goal, ours, plain in (
            ("precision", precise, told, plain_told),
            ("recall", complete, there, plain_there),
        ):
            yield Line(
                4,
                f"{name}, PERSON {what}, overlap",
                f">= {goal}",
                _score(ours, _right),
                f"{_right(total(plain)):.3f}",
                _right(total(ours)) >= goal,
            )


def _right(count: Count) -> float:
    """Of what was looked at, the part that is right: told spans for precision, those there for recall."""
    return count.recall


def _note_names(bench: Bench, name: str, cases: Sequence[Labelled], found: Sequence[Sequence[Span]]) -> None:
    for case, spans in zip(cases, found, strict=True):
        persons = [span for span in spans if span.entity == "PERSON"]
        for span in case.spans:
            if span.entity == "PERSON" and not any(span.overlaps(other) for other in persons):
                bench.note(name, "PERSON: not found", case.name)
        for other in persons:
            beside = next((span.entity for span in case.spans if span.overlaps(other)), "nothing")
            if beside != "PERSON":
                bench.note(name, f"PERSON: where {beside} is", case.name)


def hard_negatives(bench: Bench) -> Iterator[Line]:
    """Row 5: any finding of whatever is not public in itself, in a text in which nothing is sensitive."""
    cases = list(detection_sets.hard_negatives(count=min(bench.sample or 100, 100)))
    found = [bench.found(system, "hard negatives", [case.text for case in cases]) for system in bench.systems]
    for kind in dict.fromkeys(case.kind for case in cases):
        shares = []
        for system, spans in zip(bench.systems, found, strict=True):
            alarms = [_alarms(s) for case, s in zip(cases, spans, strict=True) if case.kind == kind]
            shares.append(sum(map(bool, alarms)) / len(alarms))
            if system is bench.gateway:
                for at, entities in enumerate(alarms):
                    for entity in entities:
                        bench.note("hard negatives", f"{kind}: told as {entity}", f"{kind}:{at}")
        yield Line(5, f"false alarms, {kind}", "<= 2 %", *map(_percent, shares), shares[0] <= 0.02)


_PUBLIC = frozenset(entity for entity, means in DEFAULT_TABLE.items() if means.label == "public") | HEALTH_ENTITIES


def _alarms(spans: Iterable[Span]) -> set[str]:
    """The entities that would change what happens to a request: neither public nor a mere topic."""
    return {span.entity for span in spans} - _PUBLIC


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


_NAMES_OCCUR = frozenset({"gsm8k_test"})
_REALLY_THERE: Mapping[str, frozenset[str]] = {
    "benign_prompts:1733": frozenset({"STREET_ADDRESS"}),
    "benign_prompts:1750": frozenset({"EMAIL_ADDRESS"}),
    "benign_prompts:1770": frozenset({"STREET_ADDRESS"}),
    "benign_prompts:1772": frozenset({"STREET_ADDRESS"}),
    "benign_prompts:1794": frozenset({"PHONE_NUMBER"}),
    "benign_prompts_code_real:194": frozenset({"PERSON"}),
    "benign_prompts_code_real:233": frozenset({"PERSON"}),
    "benign_prompts_code_real:318": frozenset({"PERSON"}),
    "benign_prompts_code_real:364": frozenset({"PERSON"}),
    "benign_prompts_code_real:384": frozenset({"PHONE_NUMBER", "PERSON"}),
    "benign_prompts_code_real:457": frozenset({"IP_ADDRESS"}),
    "benign_prompts_code_real:514": frozenset({"IP_ADDRESS"}),
    "benign_prompts_code_real:653": frozenset({"IP_ADDRESS"}),
}
"""What is truly in a benign prompt, by the prompt's name: an address, a link, or the full name of a real person that
somebody wrote there (a folder of theirs, minutes of a meeting, a customer's record)."""


def benign(bench: Bench) -> Iterator[Line]:
    """Row 6: prompts of code and of users. Where names occur in the set (GSM8K), only structured entities count."""
    goals = (("benign_prompts_code_real", "code", 0.01), ("benign_prompts", "real users", 0.02))
    for name, what, goal in goals:
        cases = load(name, {}, bench.sample)
        shares: dict[bool, list[float]] = {False: [], True: []}
        for system in bench.systems:
            found = bench.found(system, name, [case.text for case in cases])
            alarms = [_benign_alarms(case, spans) for case, spans in zip(cases, found, strict=True)]
            shares[True].append(sum(map(bool, alarms)) / len(alarms))
            shares[False].append(sum(bool(each - {"PERSON"}) for each in alarms) / len(alarms))
            if system is bench.gateway:
                for case, entities in zip(cases, alarms, strict=True):
                    for entity in entities:
                        bench.note(name, f"{case.source}: {entity}", case.name)
        yield Line(
            6,
            f"false alarms, {what}",
            f"<= {goal:.0%}".replace("%", " %"),
            *map(_percent, shares[True]),
            shares[True][0] <= goal,
        )
        yield Line(6, f"false alarms, {what}, names aside", "-", *map(_percent, shares[False]))


def _benign_alarms(case: Labelled, spans: Iterable[Span]) -> set[str]:
    alarms = _alarms(spans) - _REALLY_THERE.get(case.name, frozenset())
    return alarms - {"PERSON"} if case.source in _NAMES_OCCUR else alarms


def disguised(bench: Bench) -> Iterator[Line]:
    """Row 7: found with an entity that the value may be called, over most of what it was written with."""
    for name, make, goal in (("as usual", detection_sets.plain, 0.0), ("disguised", detection_sets.disguised, 0.95)):
        cases = list(make(count=min(bench.sample or 10, 10)))
        shares, kinds = [], defaultdict(list)
        for system in bench.systems:
            found = bench.found(system, name, [case.text for case in cases])
            hits = [_hit(case, spans) for case, spans in zip(cases, found, strict=True)]
            shares.append(sum(hits) / len(hits))
            for case, hit in zip(cases, hits, strict=True):
                kinds[case.kind.split(":")[0]].append((system, hit))
                if system is bench.gateway and not hit:
                    bench.note(name, case.kind, case.kind)
        yield Line(
            7,
            f"values found, {name}",
            f">= {goal}" if goal else "-",
            *map(_percent, shares),
            shares[0] >= goal if goal else None,
        )
        if goal:
            for kind, told in kinds.items():
                each = [[hit for one, hit in told if one is system] for system in bench.systems]
                yield Line(7, f"values found, {kind}", "-", *(_percent(sum(hits) / len(hits)) for hits in each))


def _hit(case: detection_sets.Case, spans: Iterable[Span]) -> bool:
    """Whether a span of a right name covers nine tenths of the value and not much else."""
    length = case.end - case.start
    return any(
        min(s.end, case.end) - max(s.start, case.start) >= 0.9 * length and s.end - s.start <= 1.5 * length + 12
        for s in spans
        if s.entity in case.entities
    )


_SPANISH_CASES = 100
"""Of the set's 250 long ones, through the whole detector; the pipeline alone reads them all."""
_ID = "ID"
_SPANISH = {"PUBLIC_FIGURE": "PERSON", "DATE_OF_BIRTH": "DATE_TIME", "ZIP_CODE": "LOCATION"}
_NO_ID = frozenset(MEDDOCAN.values()) - {_ID}
_UNMARKED = frozenset({"TITLE", "NRP", "URL", "MEDICAL_CONDITION", "SECRET", "IP_ADDRESS"})


def spanish(bench: Bench) -> Iterator[Line]:
    """Row 8: Spanish clinical cases, by the set's own labels, and by the gateway's entities, where every number of a
    person is one kind."""
    cases = load("meddocan_dev", MEDDOCAN, min(bench.sample or _SPANISH_CASES, _SPANISH_CASES))
    yield _spanish_pipeline(bench)
    shown = []
    for system in bench.systems:
        found = bench.found(system, "meddocan", [case.text for case in cases])
        counts = []
        for case, spans in zip(cases, found, strict=True):
            told = [_in_spanish(span) for span in spans if span.entity not in _UNMARKED]
            counts.append(strict(case, told))
            if system is bench.gateway:
                for kind in mistakes(case, told):
                    bench.note("meddocan", kind, case.name)
        shown.append(counts)
    yield Line(
        8,
        "the same through the detector, as the gateway's entities",
        "-",
        *(_score(counts, lambda c: c.f1) for counts in shown),
    )


def _spanish_pipeline(bench: Bench) -> Line:
    nlp = spacy.load(SPANISH)
    counts = []
    for text, spans in sampled(read(DATA / "meddocan_dev.jsonl"), bench.sample):
        found = {(entity.start_char, entity.end_char, entity.label_) for entity in nlp(text).ents}
        counts.append(Count(len(spans & found), len(found), len(spans)))
    score = total(counts).f1
    return Line(8, "MEDDOCAN dev, strict typed F1", ">= 0.85", _score(counts, lambda c: c.f1), reached=score >= 0.85)


def _in_spanish(span: Span) -> Span:
    entity = _SPANISH.get(span.entity, span.entity)
    return replace(span, entity=entity if entity in _NO_ID else _ID)


def secrets(bench: Bench) -> Iterator[Line]:
    """Row 9."""
    there = list(detection_sets.secrets(count=min(bench.sample or 20, 20)))
    absent = list(detection_sets.no_secrets(count=min(bench.sample or 20, 20)))
    recalls, alarms = [], []
    for system in bench.systems:
        found = bench.found(system, "secrets", [case.text for case in there])
        hits = [
            any(s.entity == "SECRET" and s.start < case.end and case.start < s.end for s in spans)
            for case, spans in zip(there, found, strict=True)
        ]
        false = [
            any(s.entity == "SECRET" for s in spans)
            for spans in bench.found(system, "no secrets", [case.text for case in absent])
        ]
        recalls.append(sum(hits) / len(hits))
        alarms.append(sum(false) / len(false))
        if system is bench.gateway:
            for case, hit in zip(there, hits, strict=True):
                if not hit:
                    bench.note("secrets", f"not found: {case.kind}", case.kind)
            for case, alarm in zip(absent, false, strict=True):
                if alarm:
                    bench.note("secrets", f"where none is: {case.kind}", case.kind)
    yield Line(9, "secrets, recall", ">= 95 %", *map(_percent, recalls), recalls[0] >= 0.95)
    yield Line(9, "secrets, false alarms", "<= 2 %", *map(_percent, alarms), alarms[0] <= 0.02)
