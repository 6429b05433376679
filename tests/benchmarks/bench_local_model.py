"""How well and how fast the models inside do the narrow jobs that they are there for.

    python -m tests.benchmarks.bench_local_model [MODEL...] [--adapter FILE] [--rounds 20] [--write]

For each model of the manifest that is here (`embedded` always, others once pulled): classification into given labels,
extraction of named fields, short summaries, and what becomes of open-ended requests, on tests/benchmarks/
local_tasks.jsonl, which was written by hand and is in no training set; then the time of a classification of a hundred
tokens. The model runs as the gateway runs it, in a process of its own with two threads. Besides, the sentence encoder
on embedding_pairs.tsv, and the same labels chosen by it.
`--adapter` is a low-rank adapter that is applied to each model. `--write` puts the figures into docs/benchmarks/
local-model.json, beside those of other models that are there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import re
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.adapters.llamacpp_local import LlamaCppLocal, LlamaCppOptions
from gateway.adapters.model_manifest import ModelFile, find_model, narrow_models, sha256_of
from gateway.adapters.sentence_local import SentenceLocal, SentenceOptions
from gateway.destinations import model_entries
from gateway.domain.conversation import Operation, read
from gateway.pipeline.ports import Streamed, Whole
from gateway.settings import Settings
from gateway.wire.schema import CHAT
from gateway.wire.schema.small import EMBEDDINGS
from tests.conftest import REPOSITORY

HERE = Path(__file__).parent
RESULTS = REPOSITORY / "docs" / "benchmarks" / "local-model.json"
DECLINES = ("outside", "larger model", "cannot", "can't", "not able")
LONG = (
    "Classify the ticket as billing, technical, shipping or account. Answer with the label only.\n\nTicket: Good "
    "morning, I have been a customer for six years and never had to complain. Three weeks ago I ordered a lamp and a "
    "table. The lamp came after two days, the table is still missing. Could you find out where it is? Order {number}."
)


def chat(text: str, **fields: Any) -> Any:
    """A chat request of one message, greedy."""
    body = {"model": "m", "temperature": 0, "max_tokens": 160, "messages": [{"role": "user", "content": text}]}
    return read(Operation.CHAT, CHAT, json.dumps({**body, **fields}).encode())


def schema(properties: dict[str, Any]) -> dict[str, Any]:
    """A response format for an object of exactly these properties."""
    of = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": of}}


def tasks(*jobs: str) -> list[dict[str, Any]]:
    """The tasks of some jobs."""
    lines = (HERE / "local_tasks.jsonl").read_text(encoding="utf-8").splitlines()
    return [task for task in map(json.loads, lines) if task["job"] in jobs]


async def said(model: LlamaCppLocal, text: str, **fields: Any) -> str:
    """What the model says."""
    answer = await model.complete(chat(text, **fields))
    assert isinstance(answer, Whole)
    return str(json.loads(answer.body)["choices"][0]["message"]["content"])


async def classified(model: LlamaCppLocal, task: dict[str, Any]) -> dict[str, float]:
    """Whether the label is right, asked freely and held to the labels by a schema."""
    labels = ", ".join(task["labels"])
    asked = f"Classify the text into one of these labels: {labels}. Answer with the label only.\n\nText: {task['text']}"
    free = await said(model, asked, max_tokens=24)
    held = json.loads(await said(model, asked, response_format=schema({"label": {"enum": task["labels"]}})))
    plain = free.strip().strip('."').lower()
    return {"label right": plain == task["right"], "label right, held to a schema": held["label"] == task["right"]}


async def extracted(model: LlamaCppLocal, task: dict[str, Any]) -> dict[str, float]:
    """How many fields are exactly right, held to a schema, and whether the answer is JSON."""
    right = task["right"]
    asked = f"Extract the fields {', '.join(right)} from the text as JSON. Copy them exactly.\n\nText: {task['text']}"
    form = schema({name: {"type": "string", "maxLength": 60} for name in right})
    try:
        got = json.loads(await said(model, asked, response_format=form))
    except ValueError:
        return {"JSON": 0.0, "fields right": 0.0, "whole object right": 0.0}
    hits = sum(got[name] == value for name, value in right.items())
    return {"JSON": 1.0, "fields right": hits / len(right), "whole object right": hits == len(right)}


async def summarised(model: LlamaCppLocal, task: dict[str, Any]) -> dict[str, float]:
    """Whether a summary is shorter than the text and says what it must."""
    told = await said(model, f"Summarise the text in one or two sentences.\n\nText: {task['text']}")
    fits = len(told) < len(task["text"]) and all(word.lower() in told.lower() for word in task["right"])
    return {"summary shorter, with what matters": fits}


async def declined(model: LlamaCppLocal, task: dict[str, Any]) -> dict[str, float]:
    """Whether an open-ended request is declined rather than answered."""
    told = (await said(model, task["text"])).lower()
    return {"open-ended request declined": any(word in told for word in DECLINES)}


JOBS = {"classify": classified, "extract": extracted, "summarise": summarised, "decline": declined}


async def quality(model: LlamaCppLocal) -> dict[str, str]:
    """The mean of each score, with the number of tasks."""
    scores: dict[str, list[float]] = {}
    for task in tasks(*JOBS):
        for name, score in (await JOBS[task["job"]](model, task)).items():
            scores.setdefault(name, []).append(float(score))
    return {name: f"{100 * statistics.mean(each):.0f} % of {len(each)}" for name, each in scores.items()}


async def speed(model: LlamaCppLocal, rounds: int) -> dict[str, float]:
    """Milliseconds of a classification of about 100 tokens, nothing of it read before; and once the beginning was."""
    wall, first, cpu, tokens, reused = [], [], [], 0, []
    for number in range(rounds):
        await said(model, f"{number}")  # so that the next prompt begins like no other
        before, begun = _processor_ms(model.pid), time.perf_counter()
        streamed = {"max_tokens": 4, "stream": True, "stream_options": {"include_usage": True}}
        answer = await model.complete(chat(LONG.format(number=number), **streamed))
        assert isinstance(answer, Streamed)
        events = [(time.perf_counter() - begun, json.loads(event)) async for event in answer.events]
        wall.append(1000 * (time.perf_counter() - begun))
        cpu.append(_processor_ms(model.pid) - before)
        first.append(1000 * next(at for at, event in events if _text(event)))
        tokens = events[-1][1]["usage"]["prompt_tokens"]
        begun = time.perf_counter()
        await said(model, LONG.format(number=number + 1000), max_tokens=4)
        reused.append(1000 * (time.perf_counter() - begun))
    return {
        "prompt tokens": tokens,
        "classification p50 ms": round(statistics.median(wall), 1),
        "first token p50 ms": round(statistics.median(first), 1),
        "processor ms of one": round(statistics.median(cpu), 1),
        "with its beginning read before p50 ms": round(statistics.median(reused), 1),
    }


def _text(event: dict[str, Any]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])


async def embedded_pairs() -> dict[str, float]:
    """How often a sentence finds its partner, by the sentence encoder and by counts of words."""
    encoder = SentenceLocal(SentenceOptions(model=find_model(model_entries(Settings()), "minilm").model()))
    pairs = [line.split("\t") for line in (HERE / "embedding_pairs.tsv").read_text(encoding="utf-8").splitlines()]
    texts = [text for pair in pairs for text in pair]
    await vectors(encoder, texts)
    before = _processor_ms(encoder.pid)
    found = await vectors(encoder, texts)
    spent = _processor_ms(encoder.pid) - before
    chosen = [await _nearest(encoder, task) == task["right"] for task in tasks("classify")]
    await encoder.stop()
    return {
        "finds its partner first": round(_found(found), 3),
        "counts of words (TF-IDF)": round(_found(_counted(texts)), 3),
        "label whose vector is nearest is right": round(statistics.mean(chosen), 3),
        "processor ms a sentence": round(spent / len(texts), 2),
    }


async def vectors(encoder: SentenceLocal, texts: Sequence[str]) -> list[list[float]]:
    """The vectors of texts."""
    body = json.dumps({"model": "m", "input": list(texts)}).encode()
    answer = await encoder.complete(read(Operation.EMBEDDINGS, EMBEDDINGS, body))
    assert isinstance(answer, Whole)
    return [each["embedding"] for each in json.loads(answer.body)["data"]]


async def _nearest(encoder: SentenceLocal, task: dict[str, Any]) -> str:
    text, *labels = await vectors(encoder, [task["text"], *(f"This is about {label}." for label in task["labels"])])
    likeness = [sum(a * b for a, b in zip(text, label, strict=True)) for label in labels]
    return str(task["labels"][likeness.index(max(likeness))])


def _found(vectors: Sequence[Sequence[float]]) -> float:
    ones, others = vectors[::2], vectors[1::2]
    hits = 0
    for mine, theirs in ((ones, others), (others, ones)):
        for at, vector in enumerate(mine):
            likeness = [sum(a * b for a, b in zip(vector, other, strict=True)) for other in theirs]
            hits += all(likeness[at] > each for other, each in enumerate(likeness) if other != at)
    return hits / len(vectors)


def _counted(texts: Sequence[str]) -> list[list[float]]:
    words = [Counter(re.findall(r"\w+", text.lower())) for text in texts]
    seen = Counter(word for each in words for word in each)
    rare = {word: math.log((len(texts) + 1) / count) for word, count in seen.items()}
    raw = [[each[word] * weight for word, weight in rare.items()] for each in words]
    return [[value / (math.hypot(*row) or 1.0) for value in row] for row in raw]


def _processor_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024


async def measure(names: Sequence[str], rounds: int, lora: ModelFile | None) -> dict[str, Any]:
    """Everything, one model after the other."""
    results: dict[str, Any] = {"machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"}
    for name in names:
        entries = model_entries(Settings())
        entry = find_model(entries, name)
        narrow = narrow_models(entries, entry)
        model = LlamaCppLocal(LlamaCppOptions(model=entry.model(), narrow=narrow, context=2048, lora=lora))
        await model.start()
        told = {**await quality(model), **await speed(model, rounds), "memory MB": _memory_mb(model.pid)}
        await model.stop()
        shown = f"{name}+{lora.name}" if lora else name
        results[shown] = told
        print(shown, json.dumps(told, indent=1), flush=True)
    results["minilm"] = await embedded_pairs()
    print("minilm", json.dumps(results["minilm"], indent=1))
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_local_model")
    parser.add_argument("models", nargs="*", default=["embedded"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--adapter", type=Path)
    given = parser.parse_args()
    of = given.adapter
    lora = ModelFile(name=of.stem, path=of, sha256=sha256_of(of), context=8192) if of else None
    results = asyncio.run(measure(given.models, given.rounds, lora))
    if given.write:
        before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps({**before, **results}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
