"""`python -m verifier DIRECTORY --public-key FILE`: an export, with nothing but this folder and `cryptography`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .checks import Outside
from .export import ExportSource, ExportUnreadable
from .findings import Verdict
from .formats import NotGenuine, read_public_key, read_witness_key
from .together import usable, verify
from .told import as_json, page


def main() -> int:
    """Verify, print, and give the exit code."""
    parser = argparse.ArgumentParser(prog="verifier", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--public-key", type=Path, required=True, help="what `gateway ledger public-key` prints")
    parser.add_argument("--receipts", type=Path, help="receipts that callers kept, one a line")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="a checkpoint that somebody kept")
    parser.add_argument("--witness", type=Path, action="append", default=[], help="the key line of a witness")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    try:
        key = read_public_key(chosen.public_key.read_text(encoding="utf-8"))
        receipts = chosen.receipts.read_text(encoding="utf-8").split() if chosen.receipts else ()
        earlier = [file.read_text(encoding="utf-8") for file in chosen.checkpoint]
        witnesses = [read_witness_key(file.read_text(encoding="utf-8")) for file in chosen.witness]
        outside = Outside(receipts, earlier, witnesses)
        report = verify(ExportSource(chosen.directory), key, outside, processes=usable())
    except (OSError, NotGenuine, ExportUnreadable) as error:
        print(f"cannot judge: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return int(Verdict.CANNOT_JUDGE)
    print(json.dumps(as_json(report), indent=1) if chosen.json else page(report))  # noqa: T201 - as above
    return int(report.verdict)


if __name__ == "__main__":
    sys.exit(main())
