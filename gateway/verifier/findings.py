"""What can be wrong with a ledger, and the report that says what is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

MOST_NAMED = 1000


class Verdict(IntEnum):
    """The exit code."""

    SOUND = 0
    ALTERED = 1
    INCOMPLETE = 2
    CANNOT_JUDGE = 3


CODES: dict[str, tuple[Verdict, str]] = {
    "body-altered": (Verdict.ALTERED, "the record's bytes are not those that the tree holds"),
    "body-missing": (Verdict.ALTERED, "the tree holds this record, and it is gone without an order to drop it"),
    "leaf-altered": (Verdict.ALTERED, "the leaf kept beside the record is not the tree's"),
    "column-altered": (Verdict.ALTERED, "a search column does not say what the record says"),
    "place-altered": (Verdict.ALTERED, "the record stands at another place than it says"),
    "chain-broken": (Verdict.ALTERED, "the record does not follow the one before it of its writer"),
    "gap": (Verdict.ALTERED, "records of this writer are missing before this one"),
    "position-gap": (Verdict.ALTERED, "the tree has a hole or a leaf twice here"),
    "inserted": (Verdict.ALTERED, "the record stands where the tree holds another one or none"),
    "unreadable": (Verdict.ALTERED, "the record is not in the form of one"),
    "root-differs": (Verdict.ALTERED, "the records up to this size do not hash to the signed root"),
    "tree-short": (Verdict.ALTERED, "a signed checkpoint speaks of more records than there are"),
    "node-altered": (Verdict.ALTERED, "a stored hash of the tree is not the one of its leaves"),
    "checkpoint-forged": (Verdict.ALTERED, "a checkpoint is not signed by this key"),
    "cosignature-forged": (Verdict.ALTERED, "what stands there as a witness's signature is not one"),
    "outcome-alone": (Verdict.ALTERED, "there is an outcome, and no decision before it"),
    "decision-twice": (Verdict.ALTERED, "a decision before it has this id: the outcome of one would stand for both"),
    "salt-missing": (Verdict.ALTERED, "the commitments of this record cannot be opened, and no erasure says so"),
    "key-missing": (Verdict.ALTERED, "the key of these commitments is gone, and neither erasure nor retention says so"),
    "prune-exceeded": (Verdict.ALTERED, "more records were dropped than retention ordered"),
    "receipt-broken": (Verdict.ALTERED, "a caller holds a receipt for a record that is not there as it was"),
    "receipt-forged": (Verdict.ALTERED, "a receipt is not signed by this key"),
    "proof-altered": (Verdict.ALTERED, "an exported proof does not lead to the signed root"),
    "fork": (Verdict.ALTERED, "the ledger is not the one that an earlier checkpoint was signed for"),
    "decision-differs": (
        Verdict.ALTERED,
        "made again from its record by its own policy, the decision comes out otherwise",
    ),
    "policy-absent": (Verdict.INCOMPLETE, "the files of the policy that made these decisions were not given"),
    "not-replayed": (Verdict.INCOMPLETE, "these decisions cannot be made again from their records"),
    "policy-unknown": (Verdict.INCOMPLETE, "no record says that this decision's policy came into force"),
    "unsigned": (Verdict.INCOMPLETE, "records are not under a signed checkpoint yet"),
    "no-checkpoint": (Verdict.INCOMPLETE, "there is no signed checkpoint"),
    "unwitnessed": (Verdict.INCOMPLETE, "this witness has cosigned no checkpoint of this ledger"),
    "export-unfinished": (Verdict.INCOMPLETE, "the export was interrupted: run it again to go on"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    code: str
    where: str

    @property
    def verdict(self) -> Verdict:
        """What it makes of the whole."""
        return CODES[self.code][0]

    def __str__(self) -> str:
        return f"{self.code}: {self.where}: {CODES[self.code][1]}"


@dataclass(slots=True)
class Report:
    """What verification came to. `findings` are the first `MOST_NAMED` of each code; `found` counts them all.

    Not `whole`: it is of a part of the ledger, of which nobody can tell what else should be in it. `witnessed` has for
    each witness the largest size that it cosigned, and when (seconds since the epoch)."""

    origin: str
    whole: bool = True
    size: int = 0
    root: bytes = b""
    records: int = 0
    pending: int = 0
    checkpoints: int = 0
    receipts: int = 0
    writers: int = 0
    dropped: int = 0
    erasures: int = 0
    replayed: int = 0
    witnessed: dict[str, tuple[int, int]] = field(default_factory=dict)
    open_intents: list[str] = field(default_factory=list)
    open_count: int = 0
    findings: list[Finding] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Altered outweighs incomplete."""
        verdicts = {CODES[code][0] for code in self.found}
        return next((each for each in (Verdict.ALTERED, Verdict.INCOMPLETE) if each in verdicts), Verdict.SOUND)

    def add(self, code: str, where: str) -> None:
        """One finding more."""
        self.found[code] = self.found.get(code, 0) + 1
        if self.found[code] <= MOST_NAMED:
            self.findings.append(Finding(code, where))
