"""The problems of policy files as SARIF 2.1.0, in which code hosts and editors show findings beside a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from gateway import __version__
from gateway.adapters.policy_codes import POLICY_CODES, Code, Level
from gateway.adapters.strict_yaml import PolicyError
from gateway.domain.strict_json import Json

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NAMES: Final = tuple(POLICY_CODES)


def sarif_log(errors: Sequence[PolicyError], warnings: Sequence[PolicyError], folder: str) -> Json:
    """A SARIF log of one run. `folder` is where the files lie, as a path relative to the root of the repository."""
    results: list[Json] = [_result(each, "error", folder) for each in errors]
    results += [_result(each, "warning", folder) for each in warnings]
    driver: Json = {
        "name": "gateway policy lint",
        "version": __version__,
        "rules": [_rule(code, meaning) for code, meaning in POLICY_CODES.items()],
    }
    run: Json = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, meaning: Code) -> Json:
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in meaning.name.split("-")),
        "shortDescription": {"text": meaning.what},
        "fullDescription": {"text": f"{meaning.what} {meaning.why}"},
        "help": {
            "text": f"{meaning.why} {meaning.mend}",
            "markdown": f"{meaning.why}\n\n**To mend it:** {meaning.mend}",
        },
        "defaultConfiguration": {"level": meaning.level},
    }


def _result(problem: PolicyError, level: Level, folder: str) -> Json:
    place: dict[str, Json] = {"artifactLocation": {"uri": _uri(folder, problem.file)}}
    if problem.line:
        place["region"] = {"startLine": problem.line, "startColumn": max(problem.column, 1)}
    return {
        "ruleId": problem.code,
        "ruleIndex": _NAMES.index(problem.code),
        "level": level,
        "message": {"text": problem.message},
        "locations": [{"physicalLocation": place}],
    }


def _uri(folder: str, file: str) -> str:
    """A relative reference, escaped as a URI: the root of the repository is the consumer's to know."""
    return quote((PurePosixPath(folder) / file).as_posix())
