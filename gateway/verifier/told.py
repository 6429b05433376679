"""What verification came to, on one page or as JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from .findings import CODES, Report, Verdict

_HEAD = {
    Verdict.SOUND: "SOUND: every record is what was signed.",
    Verdict.ALTERED: "ALTERED: this is not what was signed.",
    Verdict.INCOMPLETE: "INCOMPLETE: nothing was altered, and something is missing.",
    Verdict.CANNOT_JUDGE: "CANNOT JUDGE.",
}

PROTECTS = (
    "Protects against: records changed, added, removed, reordered or moved by anybody without the signing key, also by"
    " an administrator of the database."
)
DOES_NOT_PROTECT = (
    "Does not protect against: whoever holds the signing key can write the ledger anew. No witness outside of the"
    " operator's reach was named here: name one, or keep receipts and checkpoints yourself, and pass them in."
)

_WITNESSED = (
    "Does not protect against: whoever holds the signing key can write anew what is younger than the newest cosigned"
    " size, and, with the help of {}, all of it. Look at the times above: a witness that saw nothing for long is none."
)

_PART = "a part, record by record: whether others are missing from it is not told"


def not_protected(report: Report) -> str:
    """What verification cannot tell, with the witnesses that there are."""
    return _WITNESSED.format(" and of ".join(report.witnessed)) if report.witnessed else DOES_NOT_PROTECT


def page(report: Report) -> str:
    """The report in lines of at most 120 characters."""
    lines = [
        _HEAD[report.verdict],
        "",
        f"ledger          {report.origin}",
        f"extent          {'all of it' if report.whole else _PART}",
        f"signed size     {report.size}",
        f"signed root     {report.root.hex() or '-'}",
        f"records         {report.records} read, {report.dropped} dropped by retention, {report.pending} unsigned",
        f"writers         {report.writers}",
        f"checkpoints     {report.checkpoints} genuine",
        *(f"cosigned        size {size} by {name}, {_time(at)}" for name, (size, at) in report.witnessed.items()),
        f"receipts        {report.receipts} genuine",
        f"erasures        {report.erasures}",
        f"made again      {report.replayed} decisions, by their own policy, with the same outcome",
        f"open intents    {report.open_count} (decided to send; what became of it is not recorded)",
        *(f"                {each}" for each in report.open_intents[:20]),
        "",
    ]
    for code, count in sorted(report.found.items()):
        lines.append(f"{count} x {code}: {CODES[code][1]}")
        lines += [f"    {each.where}" for each in report.findings if each.code == code][:20]
    lines += ["", PROTECTS, not_protected(report)]
    return "\n".join(line if line.isprintable() else ascii(line)[1:-1] for line in lines)


def as_json(report: Report) -> dict[str, object]:
    """The report for machines."""
    return {
        "verdict": report.verdict.name.lower(),
        "exit": int(report.verdict),
        "origin": report.origin,
        "whole": report.whole,
        "size": report.size,
        "root": report.root.hex(),
        "records": report.records,
        "dropped": report.dropped,
        "pending": report.pending,
        "writers": report.writers,
        "checkpoints": report.checkpoints,
        "witnessed": {name: {"size": size, "time": _time(at)} for name, (size, at) in report.witnessed.items()},
        "receipts": report.receipts,
        "erasures": report.erasures,
        "replayed": report.replayed,
        "open_intents": report.open_count,
        "open": report.open_intents,
        "found": report.found,
        "findings": [{"code": each.code, "where": each.where} for each in report.findings],
    }


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return f"second {seconds}"
