"""The given names that the detector knows: every origin's, without those that the public sets show to be words as well.

python -m models.recipes.pii_en.given_names --data ../shared/data --pipeline models/pii-en
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .names import origins, plain

SETS = ("btc_train", "wnut17_train", "wikigold_train")
WORD = re.compile(r"[A-Za-z]{3,}")


def listed() -> set[str]:
    """The given names of all origins, in small letters without marks, each part of a double one alone."""
    names = {word for origin in origins() for name in origin.given for word in WORD.findall(plain(name))}
    return {name.lower() for name in names}


def uses(data: Path) -> Iterator[tuple[str, bool]]:
    """Every word of the public training sets, and whether it stands in a person's name."""
    for name in SETS:
        for line in (data / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            people = [(span["start"], span["end"]) for span in case["spans"] if span["label"] == "PERSON"]
            for word in WORD.finditer(case["text"]):
                yield word.group().lower(), any(start <= word.start() < end for start, end in people)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pipeline", type=Path, required=True)
    args = parser.parse_args()
    named, otherwise = Counter[str](), Counter[str]()
    for word, in_a_name in uses(args.data):
        (named if in_a_name else otherwise)[word] += 1
    kept = sorted(name for name in listed() if otherwise[name] <= max(1, named[name]))
    (args.pipeline / "ner" / "given_names.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
