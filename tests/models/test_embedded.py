"""The shipped embedded model: its tokens, its size, and that it does the jobs its card names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.adapters.llamacpp_engine import Engine, Loading
from gateway.adapters.model_manifest import find_model, load_manifest
from gateway.domain.strict_json import Json
from gateway.paths import data_path

MODEL = find_model(load_manifest(data_path("models/manifest.toml"), Path("none")), "embedded").model()
TOKENS = json.loads((Path(__file__).parent / "tokens.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The embedded model, loaded in this process."""
    return Engine(MODEL.path, Loading(context=2048, threads=1))


def answer(engine: Engine, text: str) -> str:
    """What the model says to one user message, greedily, in at most 120 tokens."""
    job: dict[str, Json] = {
        "grammar": {"kind": "free", "schema": ""},
        "seed": 1,
        "temperature": 0.0,
        "top_p": 1.0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "logprobs": -1,
    }
    ids = engine.prompt([("user", text)])
    engine.read(ids, lambda: None)
    made = engine.generate(ids[-1], job, lambda: None)
    return b"".join(token.data for token, _ in zip(made, range(120), strict=False)).decode("utf-8")


@pytest.mark.parametrize("case", TOKENS, ids=range(len(TOKENS)))
def test_llama_cpp_splits_text_as_training_did(engine: Engine, case: dict[str, str | list[int]]) -> None:
    """Every stored string has the ids that the training tokenizer gave it."""
    assert engine.tokens(str(case["text"]), control=False) == case["ids"]


@pytest.mark.parametrize("text", ["Hello!", "Write a poem about love.", "What is the capital of France?"])
def test_open_ended_work_is_declined(engine: Engine, text: str) -> None:
    """The one job that the card calls reliable: the answer says what the model is and where a larger one comes from."""
    said = answer(engine, text)
    assert "embedded model of this gateway" in said
    assert "operator can configure" in said


def test_the_model_is_small_enough_to_ship() -> None:
    """At most 20 MB."""
    assert MODEL.path.stat().st_size <= 20_000_000
