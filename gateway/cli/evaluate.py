"""`gateway evaluate`: your own labelled tasks, answered by several models through the policy and the ledger."""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gateway.adapters.price_list import PriceList
from gateway.cli import stop_for_configuration
from gateway.cli.options import config_option, settings_of
from gateway.domain.alias import Alias, resolve
from gateway.domain.conversation import Operation
from gateway.domain.costs import UNPRICED
from gateway.domain.errors import CallerError, GatewayError
from gateway.domain.evidence import Route
from gateway.domain.labels import Label
from gateway.domain.policy import Zone
from gateway.domain.strict_json import dump_json
from gateway.domain.task_scores import Answered, Score, recommendation
from gateway.domain.task_set import Task, is_right, read_tasks
from gateway.main import Gateway, StartError, build
from gateway.parts import prices_of
from gateway.pipeline.costs import Tokens
from gateway.pipeline.ports import Principal, Whole
from gateway.pipeline.recording import Asked
from gateway.pipeline.story import Reply
from gateway.settings import ConfigError, ModelAlias, Settings

_MOST_TOLD = 20
_ROUTES = (Route.EXTERNAL, Route.EXTERNAL_TRANSFORMED, Route.LOCAL, Route.BLOCKED)
_APP = "evaluate"


@click.command()
@click.argument("tasks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--models", required=True, help="Names that callers use, or destinations inside: local-slm,gpt-4o-mini.")
@click.option("--enough", type=click.FloatRange(0, 1), default=0.9, show_default=True,
              help="Which part of the bigger model's accuracy suffices.")  # fmt: skip
@click.option(
    "--max-tokens", type=click.IntRange(0), default=0, help="The longest answer, in tokens. [default: the model's]"
)
@click.option("--app", default=_APP, show_default=True, help="In whose name it is asked, for policies and the ledger.")
@click.option("--tenant", default="default", show_default=True, help="The tenant of that app.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Also draw it, as an SVG file."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def evaluate(
    *, tasks: Path, models: str, enough: float, max_tokens: int, app: str, tenant: str, plot: Path | None, config: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Have several models answer TASKS, JSON lines of {"input": ..., "label": ...}, and compare them.

    Every request goes through the policy and the ledger like any other: what may not leave is answered inside, or
    refused, whichever model is asked.
    """
    read = _tasks(tasks)
    names = list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    settings = _with_models(settings_of(config), names)
    asking = _Asking(Principal(_APP, _APP, tenant, app), prices_of(settings), max_tokens)
    try:
        scores = asyncio.run(_scores(settings, asking, names, read))
    except (ConfigError, StartError) as error:
        stop_for_configuration(str(error))
        return
    except _Unasked as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    advice = recommendation(scores, enough)
    if plot:
        from gateway.cli.evaluate_plot import drawn  # noqa: PLC0415 - drawing loads a library

        plot.write_text(drawn(scores, advice), encoding="utf-8")
    if as_json:
        click.echo(json.dumps({"models": [_as_json(each) for each in scores], "recommendation": advice}, indent=2))
    else:
        _show(scores, advice)


def _tasks(path: Path) -> Sequence[Task]:
    """The tasks of a file; its problems and exit 2 where it has any."""
    tasks, problems = read_tasks(path.read_bytes().split(b"\n"))
    for problem in problems[:_MOST_TOLD]:
        place = f"{path.name}:{problem.line}" if problem.line else path.name
        click.echo(f"{place}: {problem.why}", err=True)
    if len(problems) > _MOST_TOLD:
        click.echo(f"... and {len(problems) - _MOST_TOLD} more", err=True)
    if problems:
        sys.exit(2)
    return tasks


def _with_models(settings: Settings, names: Sequence[str]) -> Settings:
    """Settings in which each name can be asked for. A destination inside can be by its own name."""
    if not names:
        raise click.UsageError("--models names no model")
    aliases = dict(settings.models)
    for name in names:
        destination = settings.destinations.get(name)
        if _known(settings, name):
            continue
        if destination is None or destination.zone is not Zone.IN_NETWORK:
            _unknown(settings, name)
        aliases[name] = ModelAlias(local=name)
    quiet = settings.canary.model_copy(update={"enabled": False})
    return settings.model_copy(update={"models": aliases, "canary": quiet})


def _known(settings: Settings, name: str) -> bool:
    try:
        _alias(settings, name)
    except CallerError:
        return False
    return True


def _alias(settings: Settings, name: str) -> Alias:
    """Where a model may go. Raises `CallerError` for one that nobody configured."""
    return resolve({each: Alias(alias.external, alias.local) for each, alias in settings.models.items()}, name)


def _unknown(settings: Settings, name: str) -> NoReturn:
    inside = [each for each, destination in settings.destinations.items() if destination.zone is Zone.IN_NETWORK]
    near = difflib.get_close_matches(name, [*settings.models, *inside], n=1)
    meant = f": did you mean {near[0]!r}?" if near else ""
    raise click.UsageError(f"no model or destination inside is called {name!r}{meant}")


class _Unasked(Exception):
    """A task that the gateway does not take. The message says which, and no word of it."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """In whose name tasks are asked, what answers cost, and how long they may be (0: as the model likes)."""

    principal: Principal
    prices: PriceList
    max_tokens: int

    async def ask(self, gateway: Gateway, model: str, task: Task) -> Answered:
        """How one task ended. Raises `CallerError` for a request that the gateway does not read."""
        asked = {"model": model, "messages": list(task.messages), **task.request}
        if self.max_tokens:
            asked["max_tokens"] = self.max_tokens
        began = time.perf_counter()
        request = Asked(Operation.CHAT, dump_json(asked), self.principal, Label(""), "")
        reply = await gateway.answer(request)
        took = round((time.perf_counter() - began) * 1e6)
        return self._ended(model, task, reply, took)

    def _ended(self, model: str, task: Task, reply: Reply, took: int) -> Answered:
        told = reply.summary
        document = json.loads(reply.answer.body) if isinstance(reply.answer, Whole) else {}
        cost = self.prices.cost(told.destination, model, _tokens(document), took) if document else UNPRICED
        right = bool(document) and is_right(task, _text(document))
        return Answered(task.group, told.route, bool(document), right, took, cost, told.classes)


def _text(document: dict[str, Any]) -> str:
    """What a chat answer says."""
    choices = document.get("choices") or [{}]
    return str(choices[0].get("message", {}).get("content") or "")


def _tokens(document: dict[str, Any]) -> Tokens:
    used = document.get("usage") or {}
    return Tokens(int(used.get("prompt_tokens", 0)), int(used.get("completion_tokens", 0)))


async def _scores(settings: Settings, asking: _Asking, names: Sequence[str], tasks: Sequence[Task]) -> list[Score]:
    """Every model's answers, one after the other: nobody waits for another's. Raises `ConfigError`, `StartError`."""
    gateway = build(settings, os.environ)
    for name in names:
        outside = _alias(settings, name).external
        if outside and not gateway.leads_to(name).external:
            raise StartError(f"no API key is set for the destination {outside}, to which {name} leads")
    await gateway.start()
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
            return [await _score(gateway, asking, name, tasks, bar) for name in names]
    finally:
        await gateway.stop()


async def _score(gateway: Gateway, asking: _Asking, name: str, tasks: Sequence[Task], bar: Progress) -> Score:
    score = Score(name)
    for number, task in enumerate(bar.track(tasks, description=name), start=1):
        try:
            score.ended.append(await asking.ask(gateway, name, task))
        except GatewayError as error:
            raise _Unasked(f"task {number} cannot be asked of {name}: {error.text.message}") from None
    return score


def _as_json(score: Score) -> dict[str, object]:
    low, high = score.interval
    return {
        "model": score.model,
        "tasks": len(score.ended),
        "accuracy": round(score.accuracy, 4),
        "accuracy_95": [round(low, 4), round(high, 4)],
        "p50_ms": round(score.latency(0.5) / 1000, 1),
        "p95_ms": round(score.latency(0.95) / 1000, 1),
        "dollars_per_thousand": score.cost_of_a_thousand,
        "routes": {route.value: score.routes[route] for route in _ROUTES},
        "answered": sum(each.answered for each in score.ended),
        "classes_that_left_as_they_were": dict(score.classes_outside),
        "groups": {name: {"tasks": count, "right": right} for name, (count, right) in score.by_group().items()},
    }


def _show(scores: Sequence[Score], advice: str) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    table = Table("model", "right", "95 %", "p50", "p95", "$ a 1,000", title=f"{len(scores[0].ended)} tasks")
    left = Table("model", "left as it was", "left with stand-ins", "stayed inside", "refused", "no answer")
    for score in scores:
        low, high = score.interval
        times = [f"{score.latency(part) / 1000:,.0f} ms" for part in (0.5, 0.95)]
        table.add_row(score.model, f"{score.accuracy:.0%}", f"{low:.0%} - {high:.0%}", *times, _dollars(score))
        routes = [f"{score.routes[route]:,}" for route in _ROUTES]
        routes[0] += "".join(f", {count:,} {name}" for name, count in score.classes_outside.most_common())
        left.add_row(score.model, *routes, f"{sum(not each.answered for each in score.ended):,}")
    console.print(table)
    if any(len(score.by_group()) > 1 for score in scores):
        console.print(_groups(scores))
    console.print(left)
    click.echo(advice)


def _groups(scores: Sequence[Score]) -> Table:
    """How many of each group each model got right."""
    table = Table("group", "tasks", *(score.model for score in scores))
    told = [score.by_group() for score in scores]
    for name, (count, _) in sorted(told[0].items()):
        table.add_row(name or "-", f"{count:,}", *(f"{each[name][1] / count:.0%}" for each in told))
    return table


def _dollars(score: Score) -> str:
    cost = score.cost_of_a_thousand
    return "not known" if cost is None else f"{cost:.4f}"
