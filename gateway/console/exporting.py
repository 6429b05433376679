"""The decisions that a search finds, as a file: each record with the proof that it is under the signed checkpoint.

The format is that of `gateway ledger export`, of a part: `gateway ledger verify` checks it with the public key alone.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from gateway.adapters.ledger_export import ExportRefused
from gateway.adapters.part_export import PartExport
from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_records import StoredRecord, of_decision
from gateway.adapters.sql_search import END, search
from gateway.console.asked import Answer, Asked, Download, Refused
from gateway.console.decisions import query_of
from gateway.domain.ledger_search import Query

MOST_EXPORTED = 50_000
_AT_ONCE = 500
_TOO_MANY = f"More than {MOST_EXPORTED} decisions: narrow the search, or export a period on the command line."
INSTRUCTIONS = """Check this without the console that made it, on any machine with the gateway installed:

    gateway ledger verify EXPORT --public-key ledger.pub

EXPORT is the folder that this file lies in. Get ledger.pub from somebody you trust, and early: `gateway ledger
public-key` prints it. The copy here is that of the console which made this, and proves nothing against its maker.
Without the gateway: copy its folder `gateway/verifier` beside this one (it needs Python and `cryptography` alone) and
run `python -m verifier EXPORT --public-key ledger.pub`. By hand: a leaf is SHA-256 of a zero byte and the exact text in
`body`; `proof` leads from it to the root in `checkpoint` (RFC 9162, 2.1.3.2), which is signed (C2SP signed-note).
"""


async def export(asked: Asked) -> Answer:
    """The archive. Raises `Refused` for a set that is too large for a page."""
    query = query_of(asked.query, asked.holder)
    file = await asked.read(lambda audit: _archive(audit, query, asked.parts.public_key))
    return Download(file, "decisions.zip", "application/zip")


def _archive(audit: SqlAudit, query: Query, public_key: str) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        try:
            PartExport(audit.connection, Path(folder)).write(_found(audit, query))
        except ExportRefused as error:
            raise Refused(409, str(error)) from None
        return archived(Path(folder), {"ledger.pub": public_key + "\n", "README.txt": INSTRUCTIONS})


def archived(folder: Path, texts: dict[str, str]) -> Path:
    """A folder and some texts as a ZIP file, which whoever gets it has to remove."""
    with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                archive.write(path, path.relative_to(folder))
            for name, text in texts.items():
                archive.writestr(name, text)
        return Path(file.name)


def _found(audit: SqlAudit, query: Query) -> Iterator[StoredRecord]:
    """The decisions, each with its outcome, the newest first."""
    after, count = END, 0
    while True:
        page = search(audit.connection, query, after, _AT_ONCE)
        for record in page.records:
            count += 1
            if count > MOST_EXPORTED:
                raise Refused(413, _TOO_MANY)
            yield from of_decision(audit.connection, str(record.document.get("id", "")))
        if not page.more:
            return
        after = page.last
