"""`gateway classify`: what would be found in a text, and decided, without sending or recording anything."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gateway.cli.options import config_option, settings_of
from gateway.cli.why import why
from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.errors import CallerError
from gateway.domain.evaluate import Inside, MayLeave, Verdict, evaluate
from gateway.domain.facts import Context, facts_of
from gateway.domain.finding import Address, Examined, LeafReport
from gateway.domain.labels import Label
from gateway.domain.mask import fold
from gateway.domain.policy import Block
from gateway.domain.strict_json import dump_json, parse_json
from gateway.parts import detector_of, policies_of
from gateway.pipeline.ports import Detector, PolicySource
from gateway.settings import Settings
from gateway.wire.schema import CHAT

_CONTENT = Address("/messages/0/content")
_NOT_EXAMINED = "their result says so. A larger detector.deadline_ms gives a busy machine more time."


@dataclass(frozen=True, slots=True)
class _Told:
    """One text's result."""

    text: str
    report: LeafReport
    verdict: Verdict


@click.command()
@click.argument("file", default="-", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.option("--jsonl", is_flag=True, help='Bulk: one {"text": ...} a line in, one result a line out, same order.')
@config_option
def classify(file: BinaryIO, *, as_json: bool, jsonl: bool, config: str) -> None:
    """What would be found in FILE (- for standard input), and what the policy would decide of it. Sends nothing."""
    settings = settings_of(config)
    try:
        texts = _texts(file) if jsonl else [file.read().decode("utf-8")]
        asyncio.run(_classify(settings, texts, as_json=as_json, jsonl=jsonl))
    except UnicodeDecodeError:
        raise click.UsageError("the input is not UTF-8 text") from None


def _texts(file: BinaryIO) -> list[str]:
    texts = []
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            value = parse_json(line)
        except CallerError as error:
            raise click.UsageError(f"line {number}: {error.text.message}") from None
        text = value.get("text") if isinstance(value, dict) else None
        if not isinstance(text, str):
            raise click.UsageError(f'line {number}: not an object with a "text"')
        texts.append(text)
    return texts


async def _classify(settings: Settings, texts: list[str], *, as_json: bool, jsonl: bool) -> None:
    policies = policies_of(settings)
    detector = detector_of(settings)
    await detector.start()
    try:
        if not jsonl:
            told = await _one(detector, policies, texts[0])
            click.echo(json.dumps(_as_json(told), ensure_ascii=False)) if as_json else _show(told)
            return
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            task, failed = progress.add_task("classifying", total=len(texts)), 0
            async for told in _many(detector, policies, texts, settings.detector.processes + 1):
                click.echo(json.dumps(_as_json(told), ensure_ascii=False))
                progress.advance(task)
                failed += not isinstance(told.report, Examined)
        if failed:
            raise click.ClickException(f"{failed} of {len(texts)} texts were not examined: {_NOT_EXAMINED}")
    finally:
        await detector.stop()


async def _many(detector: Detector, policies: PolicySource, texts: Iterable[str], at_once: int) -> AsyncIterator[_Told]:
    """Results in the order of the texts, so few at a time that none waits long behind others: each has its deadline."""
    waiting: list[asyncio.Task[_Told]] = []
    for text in texts:
        waiting.append(asyncio.ensure_future(_one(detector, policies, text)))
        if len(waiting) >= at_once:
            yield await waiting.pop(0)
    for task in waiting:
        yield await task


async def _one(detector: Detector, policies: PolicySource, text: str) -> _Told:
    bundle = policies.current()
    conversation = _conversation(text)
    leaves = [leaf for leaf in conversation.leaves if leaf.address == _CONTENT]
    report = await detector.examine(leaves, bundle.custom_detectors_for("classify", "default"))
    context = Context("default", "classify", "offline", "", Label(""), 0)
    whole = dataclasses.replace(conversation, leaves=tuple(leaves))
    verdict = evaluate(bundle, facts_of(whole, report, context, fold))
    return _Told(text, report.of(_CONTENT), verdict)


def _conversation(text: str) -> Conversation:
    body = dump_json({"model": "classify", "messages": [{"role": "user", "content": text}]})
    return read(Operation.CHAT, CHAT, body)


def _as_json(told: _Told) -> dict[str, object]:
    examined = isinstance(told.report, Examined)
    findings = told.report.findings if isinstance(told.report, Examined) else ()
    return {
        "spans": [
            {
                "start": finding.start,
                "end": finding.end,
                "entity": finding.entity,
                "score": finding.confidence / 1000,
                "recognizer": finding.recognizer,
                "why": why(finding.recognizer),
            }
            for finding in findings
        ],
        "classes": sorted(each.value for each in told.verdict.sensitivity.classes),
        "label": told.verdict.sensitivity.label,
        "examined": examined,
        "outcome": _outcome(told.verdict),
        "reason": told.verdict.reason,
        "rules": list(told.verdict.rules),
    }


def _outcome(verdict: Verdict) -> str:
    match verdict.outcome:
        case Block(status=status):
            return f"block {status}"
        case Inside():
            return "local"
        case MayLeave(transforms=transforms):
            return "external-transformed" if transforms else "external"


def _show(told: _Told) -> None:
    console = Console(width=100)
    table = Table("entity", "score", "where", "text", "found by")
    if isinstance(told.report, Examined):
        for finding in told.report.findings:
            text = told.text[finding.start : finding.end]
            where = f"{finding.start}-{finding.end}"
            table.add_row(finding.entity, f"{finding.confidence / 1000:.2f}", where, text, finding.recognizer)
    else:
        console.print(f"NOT EXAMINED: {told.report.cause.value}")
    console.print(table)
    found_by = told.report.findings if isinstance(told.report, Examined) else ()
    for recognizer in dict.fromkeys(finding.recognizer for finding in found_by):
        console.print(f"{recognizer}: {why(recognizer)}", soft_wrap=True)
    verdict = told.verdict
    classes = ", ".join(sorted(each.value for each in verdict.sensitivity.classes)) or "none"
    console.print(f"label {verdict.sensitivity.label}, classes {classes}")
    console.print(
        f"the policy says: {_outcome(verdict)} ({verdict.reason}; rules {', '.join(verdict.rules) or 'none'})"
    )
