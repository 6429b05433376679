"""`gateway ledger verify --replay`: every decision made again from its record, by the policy that made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gateway.adapters.file_policies import FilePolicies
from gateway.cli.policy_past import WHY
from gateway.domain.comparing import Replayed
from gateway.domain.policy import Bundle
from gateway.domain.recorded import Past, past_of
from gateway.domain.replaying import Replayer
from gateway.verifier.findings import Report


def bundles_of(folders: Sequence[Path]) -> list[Bundle]:
    """The bundle of each folder. Raises `PolicyErrors`."""
    return [FilePolicies(folder).current() for folder in folders]


def replay(bodies: Iterable[bytes], bundles: Iterable[Bundle], keys: Mapping[str, str], report: Report) -> None:
    """Make the decisions in these records again, and add to `report` what comes out otherwise, and what cannot be made
    again. `keys` are ids of keys by their pseudonyms."""
    replayers = {bundle.digest: (Replayer(bundle), Replayed(bundle.digest)) for bundle in bundles}
    absent: Counter[str] = Counter()
    unread = Replayed("")
    for body in bodies:
        past = past_of(body, keys)
        if not isinstance(past, Past):
            unread.add(past, past)
        elif past.digest in replayers:
            replayer, replayed = replayers[past.digest]
            replayed.add(past, replayer.again(past))
        else:
            absent[past.digest] += 1
    for replayed in (unread, *(replayed for _, replayed in replayers.values())):
        _tell(replayed, report)
    for digest, count in absent.items():
        report.add("policy-absent", f"{count} decisions by {digest}")


def _tell(replayed: Replayed, report: Report) -> None:
    report.replayed += replayed.equal
    for decision_id in replayed.different:
        report.add("decision-differs", f"decision {decision_id}")
    for cause, count in replayed.missed.counts.items():
        some = ", ".join(replayed.missed.samples[cause])
        report.add("not-replayed", f"{count} decisions {WHY[cause]} ({some})")
