"""`gateway demo` tells the story: what the app sent, what left, what came back, and the decision."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.cli.demo import SCENES, demo


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, str]]:
    """What the demo says, by title."""
    result = CliRunner().invoke(demo, ["--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return {scene["title"]: scene for scene in map(json.loads, result.stdout.splitlines())}


def test_every_scene_is_played(told: dict[str, dict[str, str]]) -> None:
    """Seven requests, each with a decision of its own."""
    assert [scene.title for scene in SCENES] == list(told)
    assert len(SCENES) == len({scene["decision"] for scene in told.values()})


@pytest.mark.parametrize(
    ("title", "route"),
    [
        ("Public", "external"),
        ("Personal", "external-transformed"),
        ("Medical", "local"),
        ("Card number", "local"),
        ("Secret", "blocked"),
        ("Streaming", "external-transformed"),
        ("Tool call", "external-transformed"),
    ],
)
def test_each_scene_goes_where_the_policy_says(told: dict[str, dict[str, str]], title: str, route: str) -> None:
    """Out, out masked, inside, refused."""
    assert route == told[title]["route"]


def test_what_left_holds_no_address_and_what_came_back_does(told: dict[str, dict[str, str]]) -> None:
    """Masked on the way out, restored on the way back, streamed and in a tool call too."""
    for title, address in (
        ("Personal", "dana.whitfield@example.com"),
        ("Streaming", "omar.haddad@example.org"),
        ("Tool call", "lena.fischer@example.net"),
    ):
        assert address not in told[title]["left"]
        assert "EMAIL_ADDRESS_" in told[title]["left"]
        assert address in told[title]["came_back"]


def test_nothing_left_of_what_stayed(told: dict[str, dict[str, str]]) -> None:
    """The provider never saw the medical note, the card or the secret."""
    assert {"nothing"} == {told[title]["left"] for title in ("Medical", "Card number", "Secret")}
    assert "credential" in told["Secret"]["came_back"] or "key" in told["Secret"]["came_back"]
