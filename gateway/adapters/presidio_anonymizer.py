"""The operators of a policy's transforms, done by Presidio's anonymizer, with a placeholder operator of our own.

Presidio merges neighbouring findings of one entity and lets the last operator of an entity win. Here every span is
given to it as an entity of its own, so spans stay as they were judged.

Importing the anonymizer imports the analyzer and spaCy (2 s, 90 MB), for one operator that calls a cloud service. The
analyzer is hidden meanwhile: the operator is then missing, which Presidio allows for.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, cast

from gateway.domain.labels import Entity
from gateway.domain.mask import Span, StandIn
from gateway.domain.policy import Operator


@contextlib.contextmanager
def _analyzer_hidden() -> Iterator[None]:
    """Without effect where the analyzer is in the process anyway."""
    hidden = cast("dict[str, object]", sys.modules)
    if "presidio_analyzer" in hidden:
        yield
        return
    hidden["presidio_analyzer"] = None
    try:
        yield
    finally:
        del hidden["presidio_analyzer"]


with _analyzer_hidden():
    from presidio_anonymizer import AnonymizerEngine
    from presidio_anonymizer.entities import OperatorConfig, RecognizerResult
    from presidio_anonymizer.operators import Operator as PresidioOperator
    from presidio_anonymizer.operators import OperatorType


MASK = "*"
_SALT_BYTES = 16


class PresidioAnonymizer:
    """Implements `mask.Anonymizer`.

    A hash is SHA-256 over the value and `salt`, which is secret and at least 16 bytes long (`ValueError`): the plain
    digest of an e-mail address or a number can be guessed by anyone.
    """

    def __init__(self, salt: bytes) -> None:
        if len(salt) < _SALT_BYTES:
            raise ValueError("the salt of hashes is at least 16 bytes long")
        self._salt = salt
        self._engine = AnonymizerEngine()
        self._engine.add_anonymizer(Placeholder)

    def apply(self, text: str, spans: Sequence[Span], stand_in: StandIn) -> str:
        """`text` with every span replaced by what its operator makes of it."""
        if not spans:
            return text
        done = self._engine.anonymize(
            text,
            [RecognizerResult(str(at), span.start, span.end, 1.0) for at, span in enumerate(spans)],
            {str(at): self._operator(span, stand_in) for at, span in enumerate(spans)},
            merge_entities_with_spaces=False,
        )
        return cast("_Result", done).text

    def _operator(self, span: Span, stand_in: StandIn) -> OperatorConfig:
        match span.operator:
            case Operator.PLACEHOLDER:
                return OperatorConfig(Placeholder.NAME, {"entity": span.entity, "stand_in": stand_in})
            case Operator.MASK:
                whole = {"masking_char": MASK, "chars_to_mask": span.end - span.start, "from_end": False}
                return OperatorConfig("mask", whole)
            case Operator.HASH:
                return OperatorConfig("hash", {"hash_type": "sha256", "salt": self._salt})
            case Operator.REDACT:
                return OperatorConfig("redact", {})


class Placeholder(PresidioOperator):  # type: ignore[misc]  # Presidio publishes no types
    """Replaces a value by the placeholder that `stand_in` gives for it, so that it can be restored in the answer."""

    NAME = "placeholder"

    def operate(self, text: str, params: Mapping[str, object]) -> str:
        """The placeholder for `text`."""
        return cast("StandIn", params["stand_in"])(cast("Entity", params["entity"]), text)

    def validate(self, params: Mapping[str, object]) -> None:
        """Nothing to check: the parameters come from `PresidioAnonymizer` alone."""

    def operator_name(self) -> str:
        """The name that selects this operator."""
        return self.NAME

    def operator_type(self) -> OperatorType:
        """An anonymizer. Restoring is done by `domain.restore`, which also works across the pieces of a stream."""
        return OperatorType.Anonymize


class _Result(Protocol):
    """What of Presidio's result is used."""

    text: str
