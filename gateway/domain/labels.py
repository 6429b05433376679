"""Labels (an ordered scale of sensitivity) and data classes (what kind of data it is).

The default table says, for every entity that the shipped detector can report, which label and classes it has where
a policy's own `detectors` do not say otherwise. An entity that nobody has classified counts as the top label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

Label = NewType("Label", str)
Entity = NewType("Entity", str)

STANDARD_LABELS: tuple[Label, ...] = (Label("public"), Label("internal"), Label("confidential"), Label("restricted"))


class DataClass(StrEnum):
    """Kinds of sensitive data, as policies and records name them."""

    PII = "pii"
    PHI = "phi"
    FINANCIAL = "financial"
    SECRET = "secret"  # noqa: S105 - a data class, not a credential
    PROPRIETARY = "proprietary"


@dataclass(frozen=True, slots=True)
class Classification:
    """What one entity means: its label and its classes."""

    label: Label
    classes: frozenset[DataClass]


def _means(label: str, *classes: DataClass) -> Classification:
    return Classification(Label(label), frozenset(classes))


_PUBLIC = _means("public")
_PERSONAL_ID = _means("restricted", DataClass.PII)
_ACCOUNT = _means("restricted", DataClass.PII, DataClass.FINANCIAL)

HEALTH_TOPIC = Entity("HEALTH_TOPIC")
"""A text that is about health as a whole, whatever its words."""

HEALTH_ENTITIES: frozenset[Entity] = frozenset({Entity("MEDICAL_CONDITION"), HEALTH_TOPIC})
"""Health content."""

FINANCIAL_AMOUNT = Entity("FINANCIAL_AMOUNT")
"""A sum that the text tells as pay, a balance, a debt or the like."""

FINANCIAL_STANDING = Entity("FINANCIAL_STANDING")
"""How somebody stands with money, without a sum: bankrupt, in arrears, with a poor credit score."""

BESIDE_A_PERSON: Mapping[Entity, DataClass] = MappingProxyType(
    {
        **dict.fromkeys(HEALTH_ENTITIES, DataClass.PHI),
        **dict.fromkeys((FINANCIAL_AMOUNT, FINANCIAL_STANDING), DataClass.FINANCIAL),
    }
)
"""What is a plain topic alone, and of which class a conversation is that also holds an identifier of a person."""

UNSUPPORTED_LANGUAGE = Entity("UNSUPPORTED_LANGUAGE")
"""Text in a language that no pipeline reads: patterns were looked for in it, names and places could not be."""

UNMASKABLE: frozenset[Entity] = frozenset({UNSUPPORTED_LANGUAGE})
"""What no transform takes away. A stand-in for a stretch of text says nothing of the words around it."""

DEFAULT_TABLE: dict[Entity, Classification] = {
    **{
        Entity(name): _PUBLIC
        for name in ("DATE_TIME", "LOCATION", "ORGANIZATION", "NRP", "URL", "AGE", "TITLE", "PUBLIC_FIGURE", "ZIP_CODE")
    },
    HEALTH_TOPIC: _PUBLIC,
    FINANCIAL_AMOUNT: _PUBLIC,
    FINANCIAL_STANDING: _PUBLIC,
    Entity("PERSON"): _means("internal", DataClass.PII),
    Entity("MEDICAL_CONDITION"): _means("internal"),
    Entity("IP_ADDRESS"): _means("internal", DataClass.PII),
    Entity("MAC_ADDRESS"): _means("internal", DataClass.PII),
    Entity("DEVICE_ID"): _means("internal", DataClass.PII),
    Entity("VEHICLE_REGISTRATION"): _means("internal", DataClass.PII),
    Entity("PERSON_ID"): _means("internal", DataClass.PII),
    Entity("ORGANIZATION_ID"): _means("internal"),
    Entity("EMAIL_ADDRESS"): _means("confidential", DataClass.PII),
    Entity("PHONE_NUMBER"): _means("confidential", DataClass.PII),
    Entity("STREET_ADDRESS"): _means("confidential", DataClass.PII),
    Entity("MEDICAL_LICENSE"): _means("confidential", DataClass.PII),
    Entity("MEDICAL_RECORD_NUMBER"): _means("restricted", DataClass.PII, DataClass.PHI),
    Entity("US_MBI"): _means("restricted", DataClass.PII, DataClass.PHI),
    Entity("UK_NHS"): _means("restricted", DataClass.PII, DataClass.PHI),
    UNSUPPORTED_LANGUAGE: _means("restricted"),
    Entity("SECRET"): _means("restricted", DataClass.SECRET),
    **{
        Entity(name): _ACCOUNT
        for name in ("CREDIT_CARD", "IBAN_CODE", "US_BANK_NUMBER", "ACCOUNT_NUMBER", "CRYPTO", "ABA_ROUTING_NUMBER")
    },
    **{
        Entity(name): _PERSONAL_ID
        for name in (
            "US_SSN",
            "US_ITIN",
            "US_PASSPORT",
            "US_DRIVER_LICENSE",
            "UK_NINO",
            "NATIONAL_ID",
            "TAX_ID",
            "PASSPORT",
            "DRIVER_LICENSE",
        )
    },
}


@dataclass(frozen=True, slots=True)
class Scale:
    """An ordered list of labels, lowest first. Never empty, never with a repetition."""

    labels: tuple[Label, ...]
    _ranks: Mapping[Label, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ValueError("a scale of labels is a non-empty list without repetitions")
        object.__setattr__(self, "_ranks", {label: rank for rank, label in enumerate(self.labels)})

    @property
    def lowest(self) -> Label:
        """The label of a request in which nothing was found."""
        return self.labels[0]

    @property
    def top(self) -> Label:
        """The label of whatever is unknown, unreadable or failed."""
        return self.labels[-1]

    def rank(self, label: Label) -> int:
        """Position of `label`; a label that is not on the scale ranks as the top one."""
        return self._ranks.get(label, len(self.labels) - 1)

    def highest(self, *labels: Label) -> Label:
        """The highest of `labels` on this scale; the lowest label for none."""
        return self.labels[max(map(self.rank, labels), default=0)]

    def at_most(self, label: Label, limit: Label) -> bool:
        """Whether `label` does not exceed `limit`. A limit that is not on the scale allows nothing but the lowest."""
        return self.rank(label) <= self._ranks.get(limit, 0)
