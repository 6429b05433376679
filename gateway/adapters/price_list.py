"""What destinations cost: outside, the list prices of the map that litellm ships; inside, what a machine costs an hour.

The map is read as a file: litellm itself is not loaded for it, and fetches nothing.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

from gateway.domain.costs import UNPRICED, Cost
from gateway.pipeline.costs import Tokens

_MAP = "model_prices_and_context_window_backup.json"
_NANO = 1_000_000_000
_HOUR_US = 3_600_000_000
_MOST = 2**53 - 1


class PriceList:
    """Prices. `outside` are litellm's names of the providers by destination (empty: the models' own names are enough),
    `inside` the dollars an hour of destinations inside, 0.0 where that is not known."""

    def __init__(self, outside: Mapping[str, str], inside: Mapping[str, float]) -> None:
        self._outside = outside
        self._inside = inside
        self._listed = _listed() if outside else {}

    def cost(self, destination: str, model: str, tokens: Tokens, microseconds: int) -> Cost:
        """Of an answer. Inside, as if the machine had done nothing else meanwhile."""
        if destination in self._inside:
            hourly = self._inside[destination]
            return _priced(hourly * microseconds / _HOUR_US) if hourly else UNPRICED
        provider = self._outside.get(destination, "")
        listed = self._listed.get(f"{provider}/{model}") or self._listed.get(model)
        if destination not in self._outside or listed is None:
            return UNPRICED
        prompt, completion = listed
        return _priced(tokens.prompt * prompt + tokens.completion * completion)


def _priced(dollars: float) -> Cost:
    """Within what a record holds, whatever a provider reports."""
    return Cost(min(round(dollars * _NANO), _MOST), known=True)


def _listed() -> Mapping[str, tuple[float, float]]:
    """Dollars of a prompt's token and of an answer's, by model."""
    found = importlib.util.find_spec("litellm")
    folder = Path(found.origin).parent if found is not None and found.origin else Path()
    entries = json.loads((folder / _MAP).read_bytes())
    return {
        name: (float(entry["input_cost_per_token"]), float(entry.get("output_cost_per_token") or 0))
        for name, entry in entries.items()
        if isinstance(entry, dict) and entry.get("input_cost_per_token") is not None
    }
