"""`gateway demo`: what the app sent, what left, what came back, and the decision, for a handful of requests."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from openai import APIStatusError, OpenAI
from pydantic import SecretStr
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from gateway.cli.running import RunningGateway
from gateway.console.app import PATH
from gateway.domain.policy import Zone
from gateway.settings import Database, Ledger, LlamaCpp, ModelAlias, OpenAiExternal, Settings
from gateway.testing.stand_in import StandIn

_ROUNDS = 3
_TOOL = {
    "type": "function",
    "function": {
        "name": "send_mail",
        "description": "Send an e-mail.",
        "parameters": {"type": "object", "properties": {"to": {"type": "string"}}},
    },
}


@dataclass(frozen=True, slots=True)
class _Scene:
    """One request of the demo."""

    title: str
    text: str
    stream: bool = False
    tools: bool = False


SCENES: Sequence[_Scene] = (
    _Scene("Public", "Explain in one sentence what a Merkle tree is."),
    _Scene("Personal", "Draft a reply to dana.whitfield@example.com about her late parcel."),
    _Scene("Medical", "Summarise: patient Dana Whitfield, 54, diagnosed with type 2 diabetes, started metformin."),
    _Scene("Card number", "Why was card 4111 1111 1111 1111 declined at the till?"),
    _Scene("Secret", "Fix this: client = Client(api_key='sk-proj-Zk3vT9qLm2Xw8RbN4yHc7JdP1sGf6AuE')"),
    _Scene("Streaming", "Write one line to omar.haddad@example.org: the meeting moves to Tuesday.", stream=True),
    _Scene("Tool call", "Mail the agenda to lena.fischer@example.net with the send_mail tool.", tools=True),
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a request instead of the screen.")
@click.option("--console", "with_console", is_flag=True, help="Then open the console over them, until Ctrl-C.")
def demo(*, as_json: bool, with_console: bool) -> None:
    """Start a loopback stand-in provider and a gateway, send seven requests, and show what became of each."""
    console = Console(width=100)
    if not as_json:
        console.print("Starting a stand-in provider, the gateway and its embedded model on the loopback interface ...")
    with tempfile.TemporaryDirectory() as folder, StandIn() as provider:
        settings = _settings(Path(folder), provider.base_url)
        environment = {**os.environ, "DEMO_PROVIDER_KEY": "stand-in"}
        with RunningGateway(settings, environment) as running:
            client = OpenAI(base_url=running.base_url, api_key=running.first_key, max_retries=0)
            for scene in SCENES:
                told = _play(scene, client, provider)
                click.echo(json.dumps(told, ensure_ascii=False)) if as_json else console.print(_panel(scene, told))
            if with_console:
                _open_console(running, lambda scene: _ask(scene, client))
            client.close()
    if not as_json:
        console.print("Every decision above was in the ledger before anything left, without a word of its text.")


def _open_console(running: RunningGateway, ask: Callable[[_Scene], object]) -> None:
    """Fill the console with more of the same, and keep it open. Its first page asks for a password of one's own."""
    for scene in [*SCENES] * _ROUNDS:
        ask(scene)
    link = f"http://127.0.0.1:{running.port}{PATH}/invitation/{running.first_invitation}"
    click.echo(f"The console: {link}\nCtrl-C ends the demo; nothing of it is kept.")
    if "DISPLAY" in os.environ or sys.platform in {"darwin", "win32"}:
        click.launch(link)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


def _settings(folder: Path, provider: str) -> Settings:
    return Settings(
        database=Database(url=SecretStr(f"sqlite:///{folder}/gateway.db")),
        ledger=Ledger(key_file=folder / "ledger.key"),
        destinations={
            "openai": OpenAiExternal(
                zone=Zone.EXTERNAL, adapter="openai", base_url=provider, api_key_env="DEMO_PROVIDER_KEY"
            ),
            "local-slm": LlamaCpp(zone=Zone.IN_NETWORK, adapter="llama_cpp"),
        },
        models={"gpt-*": ModelAlias(external="openai", local="local-slm")},
    )


def _play(scene: _Scene, client: OpenAI, provider: StandIn) -> dict[str, str]:
    """Send one request and tell what the app sent, what left, what came back, and the decision."""
    before = len(provider.requests)
    came_back, headers = _ask(scene, client)
    left = [request.body.decode() for request in provider.requests[before:]]
    return {
        "title": scene.title,
        "sent": scene.text,
        "left": _message_of(left[0]) if left else "nothing",
        "came_back": came_back,
        "route": headers.get("x-gateway-route", ""),
        "destination": headers.get("x-gateway-destination", ""),
        "label": headers.get("x-gateway-label", ""),
        "classes": headers.get("x-gateway-classes", ""),
        "reason": headers.get("x-gateway-reason", ""),
        "decision": headers.get("x-gateway-decision-id", ""),
    }


def _ask(scene: _Scene, client: OpenAI) -> tuple[str, dict[str, str]]:
    body: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": scene.text}]}
    if scene.tools:
        body["tools"] = [_TOOL]
    try:
        if scene.stream:
            raw = client.chat.completions.with_raw_response.create(**body, stream=True)
            pieces = [chunk.choices[0].delta.content or "" for chunk in raw.parse() if chunk.choices]
            return "".join(pieces) + f"   ({len(pieces)} chunks)", dict(raw.headers)
        raw = client.chat.completions.with_raw_response.create(**body)
    except APIStatusError as error:
        return f"{type(error).__name__}: {error.body['message'] if isinstance(error.body, dict) else ''}", dict(
            error.response.headers
        )
    message = raw.parse().choices[0].message
    calls = [f"{call.function.name}({call.function.arguments})" for call in message.tool_calls or []]
    return " ".join([message.content or "", *calls]).strip(), dict(raw.headers)


def _message_of(body: str) -> str:
    """The user's message as it left."""
    return str(json.loads(body)["messages"][-1]["content"])


def _panel(scene: _Scene, told: dict[str, str]) -> Panel:
    colour = {"external": "green", "external-transformed": "yellow", "local": "cyan", "blocked": "red"}
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", width=10)
    table.add_column()
    for name, key in (("app sent", "sent"), ("left", "left"), ("came back", "came_back")):
        table.add_row(name, told[key])
    route = told["route"]
    decision = (
        f"[{colour.get(route, 'white')}]{route}[/] {told['destination']}  {told['reason']}  label {told['label']}"
    )
    table.add_row("decision", decision + (f"  classes {told['classes']}" if told["classes"] else ""))
    return Panel(table, title=scene.title, title_align="left")
