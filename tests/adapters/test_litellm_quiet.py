"""litellm's settings are set, and asserted."""

from __future__ import annotations

import importlib
import logging
from types import SimpleNamespace

import pytest

from gateway.adapters.litellm_quiet import QUIET, NotQuiet, check_quiet, load_quiet


def test_loading_makes_it_quiet_whatever_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listeners, caches and fallbacks of whoever used it before are gone."""
    litellm = load_quiet()
    for name, value in {"callbacks": ["x"], "cache": object(), "fallbacks": [{}], "set_verbose": True}.items():
        monkeypatch.setattr(litellm, name, value)
    monkeypatch.setattr(logging.getLogger("LiteLLM"), "disabled", False)
    check_quiet(load_quiet())

    assert logging.getLogger("LiteLLM").disabled


def test_it_fetches_nothing() -> None:
    """Not even what a request names by its address and the adapter overlooked."""
    load_quiet()

    assert 0 == importlib.import_module("litellm.constants").MAX_IMAGE_URL_DOWNLOAD_SIZE_MB


@pytest.mark.parametrize("name", sorted(QUIET))
def test_each_setting_counts(name: str) -> None:
    """Another value is noticed, and so is a setting that a release no longer has."""
    load_quiet()
    fine = SimpleNamespace(**QUIET)
    check_quiet(fine)
    setattr(fine, name, "something")
    with pytest.raises(NotQuiet, match=name):
        check_quiet(fine)
    delattr(fine, name)
    with pytest.raises(NotQuiet, match=name):
        check_quiet(fine)


def test_a_logger_that_is_on_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could print a prompt."""
    litellm = load_quiet()
    monkeypatch.setattr(logging.getLogger("LiteLLM Router"), "disabled", False)

    with pytest.raises(NotQuiet, match="Router"):
        check_quiet(litellm)
