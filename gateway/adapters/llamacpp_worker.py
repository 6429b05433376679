"""The child process in which llama.cpp runs.

    python -m gateway.adapters.llamacpp_worker FILE SHA256 LOADING LORA_SHA256 LIMIT NARROW

It generates for one job at a time; a second thread reads cancellations, so that one takes effect at the next token or,
while a prompt is read, at the next few dozen tokens. Nothing is written to stderr once the model is loaded: a traceback
could quote text.

LOADING is `llamacpp_engine.Loading` as JSON, LIMIT the most tokens of an answer, NARROW a list of [file, sha256] of the
encoders that answer narrow jobs in the model's place, or an empty one. Job frames are
`llamacpp_dialect.Job.frame`. Answers: {"prompt": n, "cached": m} as soon as the prompt is read; for the choice `at`,
{"at", "text", "logprobs"} for each piece and {"at", "finish": "stop" | "length"}; at the end {"completion": n} or
{"error": one of `Failure`}.
"""

from __future__ import annotations

import codecs
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from gateway.adapters.llamacpp_dialect import Failure
from gateway.adapters.llamacpp_engine import Engine, JobFailed, Loading, Token
from gateway.adapters.llamacpp_tools import Call, overlap
from gateway.adapters.model_manifest import verify_sha256
from gateway.adapters.worker_child import Channel
from gateway.domain.strict_json import Json

_STUCK_S = 30.0


class Inbox:
    """Jobs in order, and which of them are cancelled. Ends the process when the parent is gone."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._jobs: queue.SimpleQueue[tuple[int, dict[str, Json]]] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._current = 0

    def read(self) -> None:
        """Sort what the parent sends; runs in its own thread."""
        for message in self._channel.messages():
            cancelled = message.get("cancel")
            if isinstance(cancelled, int):
                self._cancelled.add(cancelled)
                self._watch(cancelled)
            else:
                self._jobs.put((cast("int", message["job"]), cast("dict[str, Json]", message["do"])))
        os._exit(0)  # the parent is gone, and nobody waits for what is being generated

    def next(self) -> tuple[int, dict[str, Json]]:
        """The next job, waiting for one. Jobs are numbered upwards, so earlier cancellations are of no use any more."""
        self._current = 0
        number, job = self._jobs.get()
        self._cancelled -= {old for old in tuple(self._cancelled) if old < number}
        self._current = number
        return number, job

    def check(self, number: int) -> None:
        """Raise `JobFailed(CANCELLED)` when the parent no longer wants job `number`."""
        if number in self._cancelled:
            raise JobFailed(Failure.CANCELLED)

    def _watch(self, number: int) -> None:
        """Native code that does not come back from a cancelled job must not hold up the next one: end the process."""
        timer = threading.Timer(_STUCK_S, self._end_if_stuck, (number,))
        timer.daemon = True
        timer.start()

    def _end_if_stuck(self, number: int) -> None:
        if self._current == number:
            os._exit(1)


class Wanted:
    """Asks, between two steps of the work, whether the job is still wanted."""

    def __init__(self, inbox: Inbox, number: int) -> None:
        self._inbox = inbox
        self._number = number

    def __call__(self) -> None:
        """Raise `JobFailed(CANCELLED)` when it is not."""
        self._inbox.check(self._number)


class StopText:
    """Lets text through up to the first stop string; holds back an ending that could still become one."""

    def __init__(self, stops: list[str]) -> None:
        self._stops = stops
        self._held = ""
        self.hit = False

    def push(self, text: str) -> str:
        """The text that may be shown now. After a stop was found `hit` is true and nothing more is shown."""
        text = self._held + text
        found = [at for at in (text.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.hit, self._held = True, ""
            return text[: min(found)]
        keep = max((overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back, once no more text comes."""
        rest, self._held = self._held, ""
        return rest


class Answers(Protocol):
    """Answers some jobs without generating."""

    def answer(
        self, messages: Sequence[tuple[str, str]], grammar: dict[str, str], wanted: Callable[[], None]
    ) -> str | None:
        """The text of the answer, or None where it has to be generated."""
        ...


@dataclass(frozen=True, slots=True)
class Models:
    """What answers jobs here: a model that generates and, before it is asked, encoders for narrow jobs."""

    engine: Engine
    narrow: Answers | None
    answer_limit: int


def serve(models: Models, inbox: Inbox, channel: Channel) -> None:
    """Answer jobs, one after the other, for as long as the parent is there."""
    while True:
        number, job = inbox.next()
        try:
            end = _answer(models, job, Wanted(inbox, number), channel, number)
        except JobFailed as failed:
            end = {"error": failed.failure.value}
        except Exception:  # noqa: BLE001 - the exception map: trouble is told as such, and its text never
            end = {"error": Failure.BROKEN.value}
        channel.end(number, end)


class Told:
    """What of one choice may be shown: text up to a stop, and the tokens that begin in it."""

    def __init__(self, stops: list[str]) -> None:
        self.stop = StopText(stops)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting: list[tuple[int, Json]] = []
        self._read = 0
        self._shown = 0

    def push(self, token: Token) -> dict[str, Json]:
        """The piece that a token lets through; an empty object where that is nothing."""
        start = self._read
        text = self._decoder.decode(token.data)
        self._read += len(text)
        if token.told is not None:
            self._waiting.append((start, token.told))
        return self._piece(self.stop.push(text), last=False)

    def rest(self) -> dict[str, Json]:
        """The last piece, once no more tokens come. After a stop there is none."""
        if self.stop.hit:
            return {}
        return self._piece(self.stop.push(self._decoder.decode(b"", final=True)) + self.stop.rest(), last=True)

    def _piece(self, text: str, *, last: bool) -> dict[str, Json]:
        self._shown += len(text)
        told: list[Json] = [entry for start, entry in self._waiting if last or start < self._shown]
        self._waiting = self._waiting[len(told) :]
        return {"text": text, "logprobs": told} if text or told else {}


def _answer(models: Models, job: dict[str, Json], wanted: Wanted, channel: Channel, number: int) -> dict[str, Json]:
    wanted()
    engine = models.engine
    messages = [(role, text) for role, text in cast("list[list[str]]", job["messages"])]
    calls = [(at, Call(name, arguments)) for at, name, arguments in cast("list[tuple[int, str, str]]", job["calls"])]
    tools = cast("list[str]", job["tools"])
    ids = engine.prompt(messages, calls, tools)
    if len(ids) >= engine.context:
        raise JobFailed(Failure.TOO_LONG)
    limit = min(cast("int", job["limit"]) or models.answer_limit, engine.context - len(ids))
    form = cast("dict[str, str]", job["grammar"])
    engine.check(form)
    narrow = models.narrow if not tools and not calls else None
    said = narrow.answer(messages, form, wanted) if narrow is not None else None
    if said is not None and cast("int", job["logprobs"]) >= 0:
        raise JobFailed(Failure.LOGPROBS)  # the encoders have likenesses, which are no odds of tokens
    completion = 0
    for at in range(cast("int", job["choices"])):
        cached = engine.read(ids, wanted) if said is None else 0
        if at == 0:
            channel.part(number, {"prompt": len(ids), "cached": cached})
        if said is None:
            seed = (cast("int", job["seed"]) + at) % 2**32
            tokens = engine.generate(ids[-1], {**job, "seed": seed}, wanted)
        else:
            tokens = engine.spelled(said, wanted)
        completion += _tell(tokens, cast("list[str]", job["stops"]), limit, Telling(channel, number, at))
    return {"completion": completion}


@dataclass(frozen=True, slots=True)
class Telling:
    """Sends what becomes of one choice of one job."""

    channel: Channel
    number: int
    at: int

    def __call__(self, part: dict[str, Json]) -> None:
        """Send one part."""
        self.channel.part(self.number, {"at": self.at, **part})


def _tell(tokens: Iterator[Token], stops: list[str], limit: int, tell: Telling) -> int:
    """Send the pieces of one choice, up to a stop or the limit, and how it ended. Returns how many tokens it took."""
    told, made, finish = Told(stops), 0, "stop"
    for token in tokens:
        made += 1
        if piece := told.push(token):
            tell(piece)
        if told.stop.hit:
            break
        if made >= limit:
            finish = "length"
            break
    if piece := told.rest():
        tell(piece)
    tell({"finish": finish})
    return made


def _close_stderr() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    os.close(quiet)


def _encoders(files: list[list[str]]) -> Answers | None:
    """What answers narrow jobs, from files that are checked first; imported only where it is used."""
    if not files:
        return None
    from gateway.adapters.narrow_answers import NarrowAnswers  # noqa: PLC0415 - a plain model's process stays small

    for file, sha256 in files:
        verify_sha256(Path(file), sha256)
    paths = [Path(file) for file, _ in files]
    return NarrowAnswers(paths[0], paths[1], paths[2] if len(paths) > 2 else None)


def main() -> None:
    """Check and load the model, then serve. A file with another hash is refused before llama.cpp sees it."""
    file, sha256, told, lora_sha256, answer_limit, narrow = sys.argv[1:7]
    loading = Loading(**json.loads(told))
    channel = Channel.of_this_process()
    verify_sha256(Path(file), sha256)
    if loading.lora:
        verify_sha256(Path(loading.lora), lora_sha256)
    encoders = _encoders(json.loads(narrow))
    engine = Engine(Path(file), loading)
    inbox = Inbox(channel)
    threading.Thread(target=inbox.read, daemon=True).start()
    channel.ready({"context": engine.context, "tools": engine.takes_tools})
    _close_stderr()
    serve(Models(engine, encoders, int(answer_limit)), inbox, channel)


if __name__ == "__main__":
    main()
