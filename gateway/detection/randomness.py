"""Whether a piece of text looks as if a machine had drawn its characters. Both processes ask."""

from __future__ import annotations

import re

_SWITCH = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[0-9]|[A-Z][a-z])|[0-9](?=[A-Za-z])")
_FEWEST_SWITCHES = 3
_FEWEST_IN_LONG = 2
_LONG = 12


def looks_random(text: str) -> bool:
    """Whether letters of both cases and digits take turns as they do in a key, and hardly in a word or a number."""
    return len(_SWITCH.findall(text)) >= (_FEWEST_IN_LONG if len(text) >= _LONG else _FEWEST_SWITCHES)
