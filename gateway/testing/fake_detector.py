"""A detector that finds the words it was told to find, and fails when it is told to fail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway.domain.conversation import Leaf
from gateway.domain.detectors import CustomDetector
from gateway.domain.finding import Address, Examined, Failed, FailureCause, Finding, LeafReport, Permille, Report
from gateway.domain.labels import Entity
from gateway.pipeline.ports import Health


class FakeDetector:
    """Implements `ports.Detector`. `words` maps a text to the entity it is; `failing` fails every leaf."""

    def __init__(self, words: Mapping[str, str], *, failing: bool = False) -> None:
        self.words = dict(words)
        self.failing = failing
        self.silent = False

    async def examine(self, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
        """Every leaf examined or failed; an empty report when `silent`."""
        del custom
        told: dict[Address, LeafReport] = {} if self.silent else {leaf.address: self._look(leaf) for leaf in leaves}
        return Report(told, "fake-1")

    async def health(self) -> Health:
        """As told."""
        return Health(not self.failing, "told to fail" if self.failing else "")

    def _look(self, leaf: Leaf) -> LeafReport:
        if self.failing:
            return Failed(FailureCause.ERROR)
        found = [
            Finding(match.start(), match.end(), Entity(entity), Permille(950), "FakeDetector")
            for word, entity in self.words.items()
            for match in re.finditer(re.escape(word), leaf.text)
        ]
        return Examined(tuple(sorted(found, key=lambda finding: (finding.start, finding.end))))
