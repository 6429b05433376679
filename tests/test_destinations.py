"""Models inside as the settings name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapters.model_manifest import ModelFileRefused
from gateway.adapters.replicated_local import ReplicatedLocal
from gateway.destinations import local_models, model_entries
from gateway.domain.policy import Zone
from gateway.settings import LlamaCpp, ModelFiles, OpenAiLocal, Settings

INSIDE = Zone.IN_NETWORK


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (LlamaCpp(zone=INSIDE, adapter="llama_cpp", model="minilm"), "another kind"),
        (LlamaCpp(zone=INSIDE, adapter="llama_cpp", lora="embedded"), "another kind"),
        (LlamaCpp(zone=INSIDE, adapter="llama_cpp", model="qwen2.5-0.5b"), "gateway models pull qwen2.5-0.5b"),
        (LlamaCpp(zone=INSIDE, adapter="llama_cpp", model="nobody"), "no model manifest"),
    ],
)
def test_a_model_that_cannot_be_run_is_refused(tmp_path: Path, chosen: LlamaCpp, said: str) -> None:
    """With what to do, where something can be done."""
    settings = Settings(destinations={"a": chosen}, models={}, model_files=ModelFiles(dir=tmp_path))
    with pytest.raises(ModelFileRefused, match=said):
        local_models(settings, {})


def test_ones_own_manifest_cannot_take_a_shipped_name(tmp_path: Path) -> None:
    """Nor say what a shipped model is."""
    own = tmp_path / "own.toml"
    texts = {"name": "embedded", "hub": "me/x", "file": "x", "licence": "l", "source": "s", "description": "d"}
    lines = "".join(f'{key} = "{value}"\n' for key, value in texts.items())
    own.write_text(f"[[model]]\ncontext = 1\n{lines}", encoding="utf-8")
    with pytest.raises(ModelFileRefused, match="takes a name"):
        model_entries(Settings(model_files=ModelFiles(dir=tmp_path, manifest=str(own))))


def test_several_addresses_are_one_model(tmp_path: Path) -> None:
    """And one address is the server itself."""
    urls = ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1")
    chosen = OpenAiLocal(zone=INSIDE, adapter="openai", base_url=urls[0], replicas=urls[1:])
    [model] = local_models(Settings(destinations={"a": chosen}, models={}), {}).values()
    assert isinstance(model, ReplicatedLocal)
