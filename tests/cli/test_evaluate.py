"""`gateway evaluate`, against a stand-in provider and the embedded model, through the shipped policy."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.testing.stand_in import StandIn
from tests.egress.harness import holds, left, stored

CARD, SSN, EMAIL = "4111 1111 1111 1111", "536-22-8145", "dana.whitfield@example.com"
TASKS = [
    {"input": "Say the word: monad", "label": "monad", "match": "contains", "group": "plain"},
    {"input": f"Was {CARD} charged?", "label": "charged", "match": "contains", "group": "card"},
    {"input": f"Is {SSN} on file?", "label": "file", "match": "contains", "group": "ssn"},
    {"input": f"Draft a reply to {EMAIL} now", "label": "now", "match": "contains", "group": "mail"},
    {"input": "sk-proj-Zk3vT9qLm2Xw8RbN4yHc7JdP1sGf6AuE works", "label": "works", "match": "contains", "group": "key"},
]


def written(folder: Path, provider: str) -> Path:
    """A configuration whose provider is on loopback."""
    file = folder / "gateway.yaml"
    file.write_text(
        f'database: {{url: "sqlite:///{folder}/gateway.db"}}\n'
        f'ledger: {{key_file: "{folder}/ledger.key", append_deadline_ms: 5000}}\n'
        "detector: {deadline_ms: 20000}\n"
        "destinations:\n"
        f'  openai: {{zone: external, adapter: openai, base_url: "{provider}", api_key_env: STAND_IN_KEY}}\n'
        "  local-slm: {zone: in_network, adapter: llama_cpp, hourly_cost: 0.10}\n"
        'models: {"gpt-*": {external: openai, local: local-slm}}\n'
    )
    return file


def run(config: Path, tasks: Path, *arguments: object, key: str = "canary-key") -> Result:
    """One call of the command."""
    command = ["evaluate", str(tasks), *map(str, arguments), "--config", str(config)]
    return CliRunner().invoke(main, command, env={"STAND_IN_KEY": key})


@dataclass(frozen=True)
class Ran:
    """One evaluation, and all that it left behind."""

    told: dict[str, list[dict[str, object]]]
    sent: bytes
    folder: Path
    kept: bytes


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Done once."""
    folder = tmp_path_factory.mktemp("evaluate")
    tasks = folder / "tasks.jsonl"
    tasks.write_text("".join(json.dumps(each) + "\n" for each in TASKS))
    with StandIn() as provider:
        config = written(folder, provider.base_url)
        result = run(
            config, tasks, "--models", "local-slm,gpt-4o-mini", "--max-tokens", 8, "--plot", folder / "p.svg", "--json"
        )
        assert 0 == result.exit_code, result.output
        yield Ran(json.loads(result.stdout), left(provider), folder, stored(folder))


def test_nothing_sensitive_leaves(ran: Ran) -> None:
    """Whichever model was asked: a card, a number and a secret stay or are refused, an address leaves as a stand-in."""
    assert b"monad" in ran.sent
    assert not [value for value in (CARD, SSN, EMAIL, "Zk3vT9qLm2Xw8RbN4yHc7JdP1sGf6AuE") if holds(ran.sent, value)]
    assert not [value for value in (CARD, SSN, EMAIL, "monad") if holds(ran.kept, value)]


def test_what_left_and_what_stayed_is_told(ran: Ran) -> None:
    """By route; a refused task is a task that was not answered right."""
    small, big = ran.told["models"]

    assert {"external": 1, "external-transformed": 1, "local": 2, "blocked": 1} == big["routes"]
    assert {"external": 0, "external-transformed": 0, "local": 4, "blocked": 1} == small["routes"]
    assert (5, 4, 4) == (big["tasks"], big["answered"], small["answered"])
    assert {"tasks": 1, "right": 1} == big["groups"]["plain"]  # type: ignore[index]
    assert {"tasks": 1, "right": 0} == big["groups"]["key"]  # type: ignore[index]


def test_times_costs_and_a_sentence(ran: Ran) -> None:
    """Prices from the list, the machine inside by the hour."""
    for told in ran.told["models"]:
        assert 0 < float(str(told["p50_ms"])) <= float(str(told["p95_ms"]))
        assert 0 < float(str(told["dollars_per_thousand"])) < 1
    assert "of gpt-4o-mini at" in str(ran.told["recommendation"])


def test_it_is_recorded_as_what_it_was(ran: Ran) -> None:
    """Ten decisions, in the name of an app of its own."""
    assert 10 <= ran.kept.count(b'"app":"evaluate"')


def test_the_drawing_loads_nothing(ran: Ran) -> None:
    """An SVG document of its own: no script, no address but those of its name spaces."""
    text = (ran.folder / "p.svg").read_text()
    tree = ET.fromstring(text)

    assert tree.tag.endswith("}svg")
    assert "gpt-4o-mini" in text
    assert "<script" not in text
    assert {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"} >= {
        each.split('"')[0] for each in text.split('xmlns="')[1:] + text.split('xlink:href="')[1:]
    } - {""}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "tasks.jsonl: holds no task"),
        (b'{"input": "x", "label": "y"}\n{"input": "zebra"\n', "tasks.jsonl:2: not JSON"),
        (b'{"input": "zebra"}\n', "tasks.jsonl:1: no 'label'"),
    ],
)
def test_bad_tasks_are_told_by_their_line(tmp_path: Path, content: bytes, told: str) -> None:
    """Exit 2, before anything starts; without a word of the task."""
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_bytes(content)
    result = run(written(tmp_path, "http://127.0.0.1:9/v1"), tasks, "--models", "gpt-4o")

    assert (2, True) == (result.exit_code, told in result.output)
    assert "zebra" not in result.output
    assert not (tmp_path / "gateway.db").exists()


def test_a_task_that_is_no_chat_request_is_told(tmp_path: Path) -> None:
    """Exit 2, with its number and the gateway's own words."""
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_bytes(b'{"messages": [{"role": "zebra", "content": "x"}], "label": "y"}\n')
    result = run(written(tmp_path, "http://127.0.0.1:9/v1"), tasks, "--models", "local-slm")

    assert (2, True) == (result.exit_code, "task 1 cannot be asked of local-slm: " in result.output)
    assert "zebra" not in result.output


@pytest.mark.parametrize(
    ("models", "key", "code", "told"),
    [
        ("local-slim", "k", 2, "did you mean 'local-slm'?"),
        ("openai", "k", 2, "no model or destination inside is called 'openai'"),
        (" , ", "k", 2, "names no model"),
        ("gpt-4o", "", 78, "no API key is set for the destination openai"),
    ],
)
def test_a_model_that_cannot_be_asked_is_told(tmp_path: Path, models: str, key: str, code: int, told: str) -> None:
    """Before a task is asked of another."""
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_bytes(b'{"input": "x", "label": "y"}\n')
    result = run(written(tmp_path, "http://127.0.0.1:9/v1"), tasks, "--models", models, key=key)

    assert (code, True) == (result.exit_code, told in result.output)
