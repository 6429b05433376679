"""Presidio's operators replace exactly the spans they are given."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.presidio_anonymizer import PresidioAnonymizer
from gateway.domain.labels import Entity
from gateway.domain.mask import Span
from gateway.domain.policy import Operator

SALT = b"0123456789abcdef"
ANONYMIZER = PresidioAnonymizer(SALT)
EMAIL, PERSON = Entity("EMAIL_ADDRESS"), Entity("PERSON")


def stand_in(span: Span, value: str) -> str:
    """A placeholder that shows what it was asked for."""
    return f"[{span.entity}_{len(value)}]"


def reference(text: str, spans: list[Span]) -> str:
    """The same replacement, in four lines."""
    for span in reversed(spans):
        value = text[span.start : span.end]
        shown = {
            Operator.SURROGATE: stand_in(span, value),
            Operator.PLACEHOLDER: stand_in(span, value),
            Operator.MASK: "*" * len(value),
            Operator.HASH: hashlib.sha256(value.encode() + SALT).hexdigest(),
            Operator.REDACT: "",
        }[span.operator]
        text = text[: span.start] + shown + text[span.end :]
    return text


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """Any Unicode text, with sorted disjoint spans that may touch."""
    text = draw(st.text(min_size=1, max_size=60))
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)))
    spans = [
        Span(start, end, draw(st.sampled_from([EMAIL, PERSON])), draw(st.sampled_from(list(Operator))))
        for start, end in itertools.pairwise(edges)
        if draw(st.booleans())
    ]
    return text, spans


@given(texts_with_spans())
def test_every_span_is_replaced_and_nothing_else(case: tuple[str, list[Span]]) -> None:
    """Equal to the plain replacement, for any text, any operator, and neighbours of one entity."""
    text, spans = case

    assert reference(text, spans) == ANONYMIZER.apply(text, spans, stand_in)


def test_neighbours_of_one_entity_stay_two() -> None:
    """Presidio would join them over the space between."""
    spans = [Span(0, 3, PERSON, Operator.PLACEHOLDER), Span(4, 7, PERSON, Operator.PLACEHOLDER)]

    assert "[PERSON_3] [PERSON_3]" == ANONYMIZER.apply("Ann Bob", spans, stand_in)


def test_a_hash_needs_the_salt() -> None:
    """Nobody can guess a short value from its hash, and the same value hashes alike."""
    span = [Span(0, 3, PERSON, Operator.HASH)]
    hashed = ANONYMIZER.apply("Ann", span, stand_in)

    assert hashed == ANONYMIZER.apply("Ann", span, stand_in)
    assert hashed != hashlib.sha256(b"Ann").hexdigest()
    assert hashed != PresidioAnonymizer(b"another salt 16 bytes").apply("Ann", span, stand_in)


@pytest.mark.parametrize("salt", [b"", b"short"])
def test_a_short_salt_is_refused(salt: bytes) -> None:
    """No hash without a secret."""
    with pytest.raises(ValueError, match="salt"):
        PresidioAnonymizer(salt)


def test_the_import_brings_no_analyzer() -> None:
    """The anonymizer alone costs neither spaCy's time nor its memory, and leaves the analyzer importable."""
    code = (
        "import sys, gateway.adapters.presidio_anonymizer as a\n"
        "assert 'spacy' not in sys.modules and 'presidio_analyzer' not in sys.modules\n"
        "import presidio_analyzer\n"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
