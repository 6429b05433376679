"""What callers may name as `model`, and where each name may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.errors import ErrorCode, refuse


@dataclass(frozen=True, slots=True)
class Alias:
    """Where a name that callers use may go. An empty string: nowhere of that kind."""

    external: str
    local: str


def resolve(aliases: Mapping[str, Alias], model: str) -> Alias:
    """The alias of `model`: its exact name, else the longest pattern with a trailing `*` that matches.

    Raises `CallerError(MODEL_NOT_FOUND)` for a name that nobody configured.
    """
    if model in aliases:
        return aliases[model]
    matching = [p for p in aliases if p.endswith("*") and model.startswith(p[:-1])]
    return aliases[max(matching, key=len)] if matching else refuse(ErrorCode.MODEL_NOT_FOUND, "/model")
