"""Prove it: what happened in a period, counted from its records; and all of it to be checked by somebody else."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from gateway.adapters.ledger_export import ExportRefused, LedgerExport, Wanted
from gateway.adapters.ledger_verification import verified_event
from gateway.adapters.part_export import PartExport
from gateway.adapters.sql_audit import SqlAudit, but_unsigned, until_signed
from gateway.adapters.sql_policies import kept_files
from gateway.adapters.sql_records import StoredRecord, of_period, with_outcome
from gateway.adapters.sql_search import search
from gateway.console.asked import Answer, Asked, Download, Page, Refused
from gateway.console.decisions import moment_of, whole_at
from gateway.console.exporting import INSTRUCTIONS, archived
from gateway.console.gate import Seen
from gateway.console.rendering import STYLE, day, linked, render
from gateway.domain.accounts import FAR, Sight
from gateway.domain.ledger_costs import SAVED
from gateway.domain.ledger_report import MOST_LISTED, SENSITIVE, PeriodReport
from gateway.domain.ledger_search import Query
from gateway.domain.strict_json import text_at
from gateway.verifier.checks import Verification
from gateway.verifier.findings import Report
from gateway.verifier.formats import read_public_key
from gateway.verifier.told import PROTECTS, not_protected

_ONE_AT_A_TIME = threading.Lock()
"""A report reads the whole ledger: several at once would take the machine from those who ask for models."""
_MOST_TOLD = 50
_PATIENCE_S = 5.0
_README = """The evidence of a period: see report.html first (a browser prints it well).

ledger/     the records with their proofs, the signed checkpoint, and instructions in ledger/README.txt
policies/   a folder for each policy bundle that was in force in the period, called by the digest that records name;
            policies/README.txt says which are not there, and how a digest is made
ledger.pub  the public key, as the console knows it: compare it with the one that you were given before
"""


_POLICIES = """A folder for each bundle, called by its digest: SHA-256 over, for each file in the order of names, the
length of the name in 8 bytes, the name, the length of the content in 8 bytes, the content. Of a file below indexes/
the content is the digest of the index alone.

In force in the period, but not here, for their files were not kept or are not what came into force:
"""


async def reports(asked: Asked) -> Answer:
    """The form; with a period, the report of it. It verifies the whole ledger, and that is recorded."""
    if not asked.query.get("since"):
        told: dict[str, object] = {"title": "Reports", "since": "", "until": "", "told": None}
    else:
        told = await _report(asked)
    return Page("reports.html", {**told, "standalone": "", "periods": _periods(asked)})


async def bundle(asked: Asked) -> Answer:
    """The evidence bundle of a period."""
    if not asked.query.get("since"):
        raise Refused(400, "Choose a period.")
    told = await _report(asked)
    page = render("reports.html", {**told, "standalone": STYLE.decode()}, None, asked.session)
    sight, parts = _period(asked), asked.parts
    counted = told["told"]
    assert isinstance(counted, PeriodReport)
    file = await asked.read(lambda audit: _archive(audit, sight, page, parts.public_key, counted.digests))
    return Download(file, f"evidence-{day(sight.since)}-{day(sight.until - 1)}.zip", "application/zip")


async def of_period_seen(asked: Asked) -> Seen:
    """A report is recorded with its period."""
    sight = _period(asked)
    return Seen(since=sight.since, until=sight.until)


async def _report(asked: Asked) -> dict[str, object]:
    sight = _period(asked)
    key = read_public_key(asked.parts.public_key)

    def work(audit: SqlAudit) -> tuple[PeriodReport, Report, int]:
        with _ONE_AT_A_TIME:
            report = Verification(audit, key, asked.parts.outside).run()
            return _counted(audit, sight), report, audit.count() + report.pending

    await asyncio.to_thread(until_signed, asked.parts.database, _PATIENCE_S)  # the record of this look is one, too
    told, verified, count = await asked.read(work)
    await asyncio.to_thread(but_unsigned, asked.parts.database, verified, count)
    verdict = verified.verdict.name.lower()
    await asked.parts.ledger.append(verified_event(verdict, asked.parts.clock.now(), asked.who))
    return {
        "title": "Reports",
        "since": day(sight.since),
        "until": day(sight.until - 1) if sight.until < FAR else "",
        "told": told,
        "sections": [(title, counts.most_common()) for title, counts in told.sections],
        "saved": SAVED,
        "savings": told.costs.table(),
        "sensitive": ", ".join(SENSITIVE),
        "cut": told.sensitive_count > MOST_LISTED,
        "verdict": verdict,
        "verified": verified,
        "findings": [str(each) for each in verified.findings[:_MOST_TOLD]],
        "protects": PROTECTS,
        "not_protected": not_protected(verified),
        "tenant": sight.tenant,
        "made": asked.parts.clock.now(),
        "bundle": linked("/console/reports/bundle", since=asked.query["since"], until=asked.query.get("until", "")),
    }


def _periods(asked: Asked) -> list[tuple[str, str]]:
    """Links to reports that are asked for most: whole months and quarters, the last ones and those that run."""
    today = datetime.fromtimestamp(asked.parts.clock.now() // 1_000_000, UTC).date()
    month = today.replace(day=1)
    quarter = month.replace(month=month.month - (month.month - 1) % 3)
    spans = {
        "this month": (month, today),
        "last month": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "this quarter": (quarter, today),
        "last quarter": (_months_before(quarter, 3), quarter - timedelta(days=1)),
    }
    return [(name, linked("/console/reports", since=first, until=last)) for name, (first, last) in spans.items()]


def _months_before(month: date, count: int) -> date:
    """The first of a month, so many months before one."""
    ago = month.year * 12 + month.month - 1 - count
    return date(ago // 12, ago % 12 + 1, 1)


def _period(asked: Asked) -> Sight:
    """The asked period, as far as the account may see it. Raises `Refused`."""
    mine = asked.holder.sight
    since = max(mine.since, moment_of(asked.query.get("since", ""), 0))
    until = min(mine.until, moment_of(asked.query.get("until", ""), FAR, whole_day=True))
    if since >= until:
        raise Refused(400, "The period ends before it begins, or is not one that you may see.")
    return Sight(mine.tenant, since, until)


def _counted(audit: SqlAudit, sight: Sight) -> PeriodReport:
    told = PeriodReport(sight.since, sight.until)
    for record in _seen(audit, sight):
        told.add(record.document)
    told.unresolved -= with_outcome(audit.connection, told.unresolved)
    return told


def _seen(audit: SqlAudit, sight: Sight) -> Iterator[StoredRecord]:
    """The records of a period; of one tenant only its own, for nobody knows whose the others are."""
    for record in of_period(audit.connection, sight.since, sight.until):
        document = record.document
        if sight.covers(text_at(document, "tenant"), whole_at(document, "t")):
            yield record


def _archive(audit: SqlAudit, sight: Sight, page: str, public_key: str, digests: Collection[str]) -> Path:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            _export(audit, sight, folder / "ledger")
        except ExportRefused as error:
            raise Refused(409, str(error)) from None
        _put_policies(audit, {*digests, *_in_force_before(audit, sight.since)}, folder / "policies")
        (folder / "ledger" / "README.txt").write_text(INSTRUCTIONS, encoding="utf-8")
        texts = {"report.html": page, "README.txt": _README, "ledger.pub": f"{public_key}\n"}
        return archived(folder, texts)


def _in_force_before(audit: SqlAudit, since: int) -> Iterator[str]:
    """The bundle that was in force when the period began, as the last record of policies before it says."""
    for record in search(audit.connection, Query(kind="policy", until=since), limit=1).records:
        yield text_at(record.document, "subject")


def _put_policies(audit: SqlAudit, digests: Collection[str], folder: Path) -> None:
    """The files of each bundle, and which are not known."""
    missing = []
    for digest in sorted(digests):
        files = kept_files(audit.connection, digest)
        for each in files:
            path = folder / digest.replace(":", "-") / each.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.data)
        missing += [] if files else [digest]
    folder.mkdir(exist_ok=True)
    (folder / "README.txt").write_text(_POLICIES + "\n".join(missing or ["(none)"]) + "\n", encoding="utf-8")


def _export(audit: SqlAudit, sight: Sight, folder: Path) -> None:
    """The records of the period. Those of one tenant are picked out; else all of it, with every checkpoint."""
    if sight.tenant:
        folder.mkdir()
        PartExport(audit.connection, folder).write(_seen(audit, sight))
        return
    exporting = LedgerExport(audit.connection, folder, Wanted(("csv", "jsonl"), sight.since, sight.until))
    exporting.write(exporting.begin(), iter(()))
