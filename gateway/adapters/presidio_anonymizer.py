"""The operators of a policy's transforms: Presidio's, and stand-ins of our own.

Presidio's engine merges neighbouring findings of one entity and lets the last operator of an entity win. Spans come
here sorted, disjoint and each with its own operator, so its operators are called for them one by one.

Importing the anonymizer imports the analyzer and spaCy (2 s, 90 MB), for one operator that calls a cloud service. The
analyzer is hidden meanwhile: the operator is then missing, which Presidio allows for.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import assert_never, cast

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
    from presidio_anonymizer.operators import Hash, Mask, Redact


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
        self._mask, self._hash, self._redact = Mask(), Hash(), Redact()

    def apply(self, text: str, spans: Sequence[Span], stand_in: StandIn) -> str:
        """`text` with every span replaced by what its operator makes of it."""
        parts, at = [], 0
        for span in spans:
            parts += [text[at : span.start], self._replaced(span, text[span.start : span.end], stand_in)]
            at = span.end
        return "".join([*parts, text[at:]])

    def _replaced(self, span: Span, value: str, stand_in: StandIn) -> str:
        match span.operator:
            case Operator.SURROGATE | Operator.PLACEHOLDER:
                return stand_in(span, value)
            case Operator.MASK:
                whole = {"masking_char": MASK, "chars_to_mask": len(value), "from_end": False}
                return str(self._mask.operate(value, whole))
            case Operator.HASH:
                return str(self._hash.operate(value, {"hash_type": "sha256", "salt": self._salt}))
            case Operator.REDACT:
                return str(self._redact.operate(value, {}))
            case _:
                assert_never(span.operator)
