# ruff: noqa: E501 - a table
"""What the pattern recognisers make of Presidio's own recogniser tests and of python-stdnum's examples.

    python -m tests.benchmarks.detection_conformance      writes docs/detection-conformance.md

Reads presidio_recognizer_cases.jsonl and stdnum_doctests.jsonl of GATEWAY_BENCH_DATA (default ../shared/data), and looks
at whole texts with the whole analyzer over an empty pipeline, where Presidio's tests ask one recogniser. Cases are named
by their line in those files: their texts are not repeated here.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path

import spacy

from gateway.detection.analyzer import Analyzer, build_analyzer
from gateway.detection.custom import CompiledDetectors
from tests.benchmarks.conformance_reasons import KINDS, OF_NAMES, OF_NO_TEXT, SCHEMES, Kind, reason

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("GATEWAY_BENCH_DATA", ROOT.parent / "shared" / "data"))
PRESIDIO, STDNUM = DATA / "presidio_recognizer_cases.jsonl", DATA / "stdnum_doctests.jsonl"
DOCUMENT = ROOT / "docs" / "detection-conformance.md"
_NONE = CompiledDetectors(())
_HELPER_KEYS = ("number", "id_number", "gstin", "pesel", "pan")


class Outcome(StrEnum):
    """What became of a case."""

    SAME = "as expected"
    BESIDE_WORDS = "beside its words"
    MISSED = "not found"
    ALARM = "found all the same"


@dataclass(frozen=True, slots=True)
class Judged:
    """One case: the group it is of (a test file, a scheme), its line, whether something is to be found, what became."""

    group: str
    line: int
    positive: bool
    outcome: Outcome


def patterns_only() -> Analyzer:
    """The product's analyzer over a pipeline that knows no name."""
    with tempfile.TemporaryDirectory() as folder:
        spacy.blank("en").to_disk(folder)
        return build_analyzer(folder)


def presidio(analyzer: Analyzer) -> Iterator[Judged]:
    """Every case of Presidio's tests that is about a text and a pattern."""
    for line, row in _rows(PRESIDIO):
        name = row["file"].removeprefix("test_").removesuffix("_recognizer.py").removesuffix(".py")
        wanted = _wanted(row["params"])
        if name in OF_NO_TEXT or name in OF_NAMES or wanted is None:
            continue
        positive, spans = wanted
        yield Judged(name, line, positive, _outcome(analyzer, KINDS[name], row["text"], spans, positive=positive))


def left_out() -> Counter[str]:
    """How many of Presidio's cases are about something else, by what that is."""
    counts: Counter[str] = Counter()
    for _, row in _rows(PRESIDIO):
        name = row["file"].removeprefix("test_").removesuffix("_recognizer.py").removesuffix(".py")
        if name in OF_NAMES:
            counts["names, places and organisations: what the pipeline finds, measured elsewhere"] += 1
        elif name in OF_NO_TEXT:
            counts["parts of Presidio itself: results, deny lists, settings of a device"] += 1
        elif _wanted(row["params"]) is None:
            counts["helper functions that neither accept nor refuse"] += 1
    return counts


def stdnum(analyzer: Analyzer) -> Iterator[Judged]:
    """Every example of the python-stdnum modules whose numbers are looked for."""
    for line, row in _rows(STDNUM):
        kind = SCHEMES.get(row["module"])
        if kind is not None:
            value = row["value"].strip()
            yield Judged(row["module"], line, row["valid"], _outcome(analyzer, kind, value, [], positive=row["valid"]))


def _rows(path: Path) -> Iterator[tuple[int, dict]]:  # type: ignore[type-arg]
    return ((at, json.loads(line)) for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1))


def _wanted(params: dict) -> tuple[bool, list[list[int]]] | None:  # type: ignore[type-arg]
    """Whether a case wants something found, and where; None when it does not say."""
    if "expected_len" in params:
        spans = params.get("expected_positions") or params.get("expected_res") or []
        return bool(params["expected_len"]), [span for span in spans if isinstance(span, list) and len(span) >= 2]
    if isinstance(params.get("expected"), bool) and any(key in params for key in _HELPER_KEYS):
        return params["expected"], []
    return None


def _outcome(analyzer: Analyzer, kind: Kind, text: str, spans: list[list[int]], *, positive: bool) -> Outcome:
    if not positive:
        return Outcome.ALARM if _finds(analyzer, kind, text, []) else Outcome.SAME
    if _finds(analyzer, kind, text, spans):
        return Outcome.SAME
    head = f"{kind.label}: "
    moved = [[span[0] + len(head), span[1] + len(head)] for span in spans]
    return Outcome.BESIDE_WORDS if _finds(analyzer, kind, head + text, moved) else Outcome.MISSED


def _finds(analyzer: Analyzer, kind: Kind, text: str, spans: list[list[int]]) -> bool:
    """Whether each of `spans` is touched by a finding of the kind; without spans, whether there is one at all."""
    found = [each for each in analyzer.examine(text, (), _NONE) if each.entity in kind.entities]
    return bool(found) and all(any(f.start < span[1] and span[0] < f.end for f in found) for span in spans)


def unexplained(judged: Iterator[Judged]) -> list[Judged]:
    """The differences that no reason is written down for."""
    return [each for each in judged if each.outcome is not Outcome.SAME and not reason(each.group, each.outcome)]


def document(analyzer: Analyzer) -> str:
    """The page."""
    cases, examples = list(presidio(analyzer)), list(stdnum(analyzer))
    others = "\n".join(f"- {count} {what}" for what, count in sorted(left_out().items()))
    return _PAGE.format(
        presidio=len(cases),
        same=sum(each.outcome is Outcome.SAME for each in cases),
        negatives=sum(not each.positive for each in cases),
        quiet=sum(not each.positive and each.outcome is Outcome.SAME for each in cases),
        others=others,
        table=_table(cases),
        differences=_differences(cases),
        stdnum=len(examples),
        schemes=len(SCHEMES),
        stdnum_table=_table(examples),
        stdnum_differences=_differences(examples),
    )


def _table(cases: list[Judged]) -> str:
    lines = ["| of | cases | " + " | ".join(Outcome) + " |", "|---|---|" + "---|" * len(Outcome)]
    for group, members in groupby(sorted(cases, key=lambda each: each.group), key=lambda each: each.group):
        counts = Counter(each.outcome for each in members)
        cells = " | ".join(str(counts[outcome] or "") for outcome in Outcome)
        lines.append(f"| {group} | {counts.total()} | {cells} |")
    return "\n".join(lines)


def _differences(cases: list[Judged]) -> str:
    lines = []
    odd = sorted(
        (each for each in cases if each.outcome is not Outcome.SAME), key=lambda each: (each.group, each.outcome)
    )
    for (group, outcome), members in groupby(odd, key=lambda each: (each.group, each.outcome)):
        numbers = ", ".join(str(each.line) for each in members)
        lines.append(f"- **{group}**, {outcome}: lines {numbers}. {reason(group, outcome) or 'Not explained.'}")
    return "\n".join(lines)


_PAGE = """<!-- Generated by `python -m tests.benchmarks.detection_conformance`. Do not edit. -->

# Conformance of the pattern recognisers

How they answer the recogniser tests of Presidio and the examples of python-stdnum. Presidio's tests ask one recogniser for
whatever score; here the whole analyzer reads the text as a request and reports what counts. So a number that many numbers
look like is found beside the words that name it, and not alone: "beside its words" are cases in which the same text with
its label before it, as on a form, is found.

## Presidio's recogniser tests

{presidio} cases are about a text and a pattern; {same} come out as Presidio expects, among them {quiet} of the {negatives} in which
nothing is to be found. Not counted:

{others}

{table}

### Differences, by line of presidio_recognizer_cases.jsonl

{differences}

## Examples of python-stdnum

{stdnum} examples of the {schemes} modules whose numbers are looked for: valid ones are to be found, others not.

{stdnum_table}

### Differences, by line of stdnum_doctests.jsonl

{stdnum_differences}
"""


def main() -> None:
    """Write the page."""
    if not PRESIDIO.exists():
        sys.exit(f"no development data in {DATA}")
    analyzer = patterns_only()
    DOCUMENT.write_text(document(analyzer), encoding="utf-8")
    for each in [*unexplained(presidio(analyzer)), *unexplained(stdnum(analyzer))]:
        print(f"not explained: {each}")


if __name__ == "__main__":
    main()
