"""List prices out of the map that litellm ships, and what machines inside cost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.adapters.price_list import PriceList
from gateway.domain.costs import UNPRICED, Cost
from gateway.pipeline.costs import Tokens
from tests.conftest import REPOSITORY

PRICES = PriceList({"openai": "", "groq": "groq"}, {"gpu": 3.6, "slm": 0.0})
MILLION = Tokens(1_000_000, 1_000_000)


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"])
def test_a_listed_model_costs_what_the_list_says(model: str) -> None:
    """Fifteen cents a million tokens asked, sixty a million answered: as its maker publishes it."""
    assert Cost(750_000_000, known=True) == PRICES.cost("openai", model, MILLION, 0)


def test_a_price_is_looked_for_under_the_providers_name_first() -> None:
    """As litellm lists models of others that a provider serves."""
    cost = PRICES.cost("groq", "openai/gpt-oss-20b", MILLION, 0)

    assert cost.known
    assert cost.nano_dollars > 0


@pytest.mark.parametrize(("destination", "model"), [("openai", "gpt-of-nobody"), ("elsewhere", "gpt-4o"), ("slm", "x")])
def test_what_is_not_listed_is_not_known(destination: str, model: str) -> None:
    """A model, a destination, or a machine whose cost nobody configured: never free, and never guessed."""
    assert UNPRICED == PRICES.cost(destination, model, MILLION, 1_000_000)


def test_a_machine_inside_costs_by_time() -> None:
    """Three dollars and sixty cents an hour are a thousandth of a dollar a second, whatever was said."""
    assert Cost(1_000_000, known=True) == PRICES.cost("gpu", "any", MILLION, 1_000_000)


def test_a_cost_fits_into_a_record_whatever_a_provider_reports() -> None:
    """Records hold whole numbers up to 2**53."""
    assert Cost(2**53 - 1, known=True) == PRICES.cost("openai", "gpt-4o-mini", Tokens(2**53 - 1, 0), 0)


def test_litellm_is_not_loaded_for_its_list() -> None:
    """It takes seconds, and would look for a newer map."""
    load = "from gateway.adapters.price_list import PriceList; PriceList({'o': ''}, {})"
    code = f"import sys; {load}; print('litellm' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)

    assert "False" == ran.stdout.strip()
