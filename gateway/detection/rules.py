"""The common form of our own pattern recognisers: RE2 rules with a check and evidence, behind one gate.

All patterns of all rules are compiled into one RE2 set. A text is matched against the set once, in linear time, and
only the rules that occur in it are run; one that counts beside evidence alone, only where a word of its evidence occurs
too. A limit that RE2 meets runs every rule: a gate may cost time, never a finding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import re2
from presidio_analyzer import EntityRecognizer, RecognizerResult

Check = Callable[[str, int, int], bool]
"""Whether the characters from start to end of a text are what the pattern promises."""

COUNTS = 0.35
"""Nothing below this score is reported."""

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")  # where two words of `cardNumber` meet
_REACH_BEFORE = 60
_REACH_AFTER = 25
_SET_MEMORY = 16 * 1024 * 1024
_SET_SIZE = 12
_RULE_MEMORY = 16 * 1024 * 1024
_EVIDENCE_KEY = "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One pattern. `score` is the confidence alone, `with_evidence` the one beside words that match `evidence`.

    `group` is the group of `pattern` that is the value. `trigger`, where given, is a cheaper pattern that occurs in
    every text in which `pattern` does. `reach` is how many characters before the value evidence may stand.
    """

    entity: str
    pattern: str
    score: float
    with_evidence: float = 0.0
    evidence: re.Pattern[str] | None = None
    check: Check | None = None
    group: int = 0
    trigger: str = ""
    reach: int = _REACH_BEFORE


_WORD_BEGINS, _WORD_ENDS = "(?<![a-z])", "s?(?![a-z])"


def words(*alternatives: str) -> re.Pattern[str]:
    """Evidence: any of these phrases as whole words (also in snake_case), in any case, singular or plural."""
    spaced = (re.escape(phrase).replace(r"\ ", r"[\s_.:-]{0,3}") for phrase in alternatives)
    return re.compile(rf"{_WORD_BEGINS}(?:{'|'.join(spaced)}){_WORD_ENDS}", re.IGNORECASE)


def _occurring(evidence: re.Pattern[str]) -> str:
    """An RE2 pattern that occurs in every text in which `words` does: the same phrases, also within longer words."""
    return "(?i)" + evidence.pattern.removeprefix(_WORD_BEGINS).removesuffix(_WORD_ENDS)


def standing_alone(text: str, start: int, end: int) -> bool:
    """Whether the characters from start to end are no part of a longer word, number or run of digits."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return not _RUNS_ON_BEFORE.search(before) and not _RUNS_ON_AFTER.match(after)


_RUNS_ON_BEFORE = re.compile(r"(?:\w|\d[-./+])\Z")
_RUNS_ON_AFTER = re.compile(r"\w|[-./+]\d")


class Gate:
    """Which of many patterns occur in a text, by one pass of each of a few sets of them.

    Small sets, since the states of one grow with the product of what may be under way in it: with 250 patterns in one a
    pass over 1 kB takes 2.8 ms, in sets of twelve all passes together take 0.4 ms.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._sets: list[_PatternSet] = []
        self._text: str | None = None
        self._present: frozenset[int] = frozenset()

    def add(self, pattern: str) -> int:
        """Registers a pattern and returns its number, each pattern once. Raises `ValueError` for what is not RE2."""
        if pattern not in self._numbers:
            number = self._numbers[pattern] = len(self._numbers)
            if number % _SET_SIZE == 0:
                self._sets.append(_PatternSet(number))
            self._sets[-1].add(pattern)
        return self._numbers[pattern]

    def read(self, text: str, above: str) -> None:
        """Matches `text` and the keys `above` it, which are evidence too, and remembers them until `forget`."""
        self._present = self._match(text) | self._match(above) if above else self._match(text)
        self._text = text

    def present(self, text: str) -> frozenset[int]:
        """The numbers of the patterns that occur in `text`, or above it where it was read so."""
        if self._text is not text:
            self.read(text, "")
        return self._present

    def forget(self) -> None:
        """Keep no text."""
        self._text = None

    def _match(self, text: str) -> frozenset[int]:
        encoded = text.encode("utf-8", "replace")
        return frozenset(number for each in self._sets for number in each.present(encoded))


class _PatternSet:
    """Patterns with the numbers from `first` on, compiled into one automaton."""

    def __init__(self, first: int) -> None:
        options = re2.Options()
        options.max_mem = _SET_MEMORY
        options.log_errors = False
        self._first = first
        self._set = re2.Set.SearchSet(options)
        self._always = self._set.Add("")
        self._compiled = False

    def add(self, pattern: str) -> None:
        if self._set.Add(pattern) < 0:
            raise ValueError("a trigger is not RE2")

    def present(self, text: bytes) -> Iterator[int]:
        if not self._compiled:
            self._set.Compile()
            self._compiled = True
        found = self._set.Match(text)
        # Without the pattern that always occurs, RE2 has given up: then everything may be present.
        every = found if self._always in found else range(1, _SET_SIZE + 1)
        return (self._first + number - 1 for number in every if number != self._always)


class RuleRecognizer(EntityRecognizer):  # type: ignore[misc]  # Presidio publishes no types here
    """A Presidio recogniser made of rules."""

    def __init__(self, name: str, rules: Sequence[Rule], gate: Gate) -> None:
        super().__init__(supported_entities=sorted({rule.entity for rule in rules}), name=name)
        self._rules = tuple((rule, _compile(rule.pattern), _needed(rule, gate)) for rule in rules)
        self._gate = gate

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: object = None) -> list[RecognizerResult]:  # noqa: ARG002 - Presidio's signature
        """The results of the rules whose patterns occur in `text`."""
        present = self._gate.present(text)
        return [
            self._result(rule, start, end)
            for rule, pattern, needed in self._rules
            if needed in present and rule.entity in entities
            for start, end in self.spans(rule, pattern, text)
        ]

    def spans(self, rule: Rule, pattern: re2._Regexp, text: str) -> Iterator[tuple[int, int]]:
        """Where a rule's values are. Recognisers that need more than a pattern override this."""
        for match in pattern.finditer(text):
            start, end = match.span(rule.group)
            if start < end and (rule.check is None or rule.check(text, start, end)):
                yield start, end

    def enhance_using_context(
        self,
        text: str,
        raw_recognizer_results: list[RecognizerResult],
        other_raw_recognizer_results: list[RecognizerResult],  # noqa: ARG002 - Presidio's signature
        nlp_artifacts: object,  # noqa: ARG002 - Presidio's signature
        context: Sequence[str] | None = None,
    ) -> list[RecognizerResult]:
        """Raises the score of results that stand beside their rule's evidence, in the text or in the keys above it."""
        above = " ".join(context or ())
        for result in raw_recognizer_results:
            rule = result.recognition_metadata[_EVIDENCE_KEY]
            if rule.evidence is not None and _beside(rule, rule.evidence, text, result.start, result.end, above):
                result.score = max(result.score, rule.with_evidence)
        return raw_recognizer_results

    def _result(self, rule: Rule, start: int, end: int) -> RecognizerResult:
        metadata = {
            RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            RecognizerResult.IS_SCORE_ENHANCED_BY_CONTEXT_KEY: True,
            _EVIDENCE_KEY: rule,
        }
        return RecognizerResult(rule.entity, start, end, rule.score, recognition_metadata=metadata)


def _needed(rule: Rule, gate: Gate) -> int:
    """What has to occur in a text for a rule to find what counts: its evidence, where it is nothing without."""
    if rule.evidence is not None and rule.score < COUNTS:
        return gate.add(_occurring(rule.evidence))
    return gate.add(rule.trigger or rule.pattern)


def _beside(rule: Rule, evidence: re.Pattern[str], text: str, start: int, end: int, above: str) -> bool:
    near = text[max(0, start - rule.reach) : start] + "\n" + text[end : end + _REACH_AFTER]
    near = _HUMP.sub(" ", near)
    return evidence.search(near) is not None or (bool(above) and evidence.search(above) is not None)


def _compile(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.max_mem = _RULE_MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)
