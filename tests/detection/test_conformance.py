"""Presidio's recogniser tests and python-stdnum's examples: as expected, or explained in the document."""

from __future__ import annotations

import pytest

from tests.benchmarks.detection_conformance import DOCUMENT, PRESIDIO, document, patterns_only

pytestmark = pytest.mark.skipif(not PRESIDIO.exists(), reason=f"no development data at {PRESIDIO}")


def test_every_difference_is_explained_on_the_page() -> None:
    """The page says what the recognisers do now, and nothing on it is unexplained."""
    page = document(patterns_only())

    assert "Not explained." not in page
    assert DOCUMENT.read_text(encoding="utf-8") == page
