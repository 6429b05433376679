"""The child process in which llama.cpp runs: `python -m gateway.adapters.llamacpp_worker FILE SHA256 CONTEXT THREADS`.

The only module that imports llama_cpp. It generates for one job at a time; a second thread reads cancellations, so
that one takes effect at the next token or, while a prompt is read, at the next few dozen tokens. A caller's text is
tokenised apart from the chat template, so it can never become one of the model's control tokens. Nothing is written to
stderr once the model is loaded: llama.cpp would quote grammars, and a traceback could quote text.

Job frames are `llamacpp_dialect.Job.frame`. Answers: {"prompt": n} as soon as the prompt is known to fit, {"text": t}
for each piece, and at the end {"finish": "stop" | "length", "completion": n} or {"error": one of `Failure`}.
"""

from __future__ import annotations

import codecs
import ctypes
import os
import queue
import re
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_cpp.llama_grammar import JSON_GBNF, json_schema_to_gbnf

from gateway.adapters.llamacpp_dialect import Failure
from gateway.adapters.model_manifest import verify_sha256
from gateway.adapters.worker_child import Channel
from gateway.domain.strict_json import Json

_READ_AT_ONCE = 64
_STUCK_S = 30.0
_PIECE = 512
_MAX_GRAMMAR = 256 * 1024
_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class JobFailed(Exception):
    """A job cannot be answered; carries only the reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


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


class Engine:
    """A loaded model that turns a job into pieces of text."""

    def __init__(self, path: Path, context: int, threads: int) -> None:
        _silence_llama()
        self._llm = llama_cpp.Llama(
            str(path),
            n_ctx=context,
            n_batch=_READ_AT_ONCE,
            n_ubatch=_READ_AT_ONCE,
            n_threads=threads,
            n_threads_batch=threads,
            use_mmap=True,
            verbose=False,
        )
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._llm.model)
        metadata = self._llm.metadata
        self._adds_bos = metadata.get("tokenizer.ggml.add_bos_token") == "true"
        self._template = Jinja2ChatFormatter(
            metadata.get("tokenizer.chat_template", _CHATML),
            bos_token=self._mark(self._llm.token_bos()),
            eos_token=self._mark(self._llm.token_eos()),
        )
        self.context: int = self._llm.n_ctx()

    def prompt(self, messages: list[tuple[str, str]]) -> list[int]:
        """The token ids of the conversation in the model's chat template. Raises `JobFailed`."""
        nonce = secrets.token_hex(8)
        shown = [{"role": role, "content": f"{nonce}{index:06d}"} for index, (role, _) in enumerate(messages)]
        try:
            rendered = self._template(messages=shown).prompt
        except Exception:  # noqa: BLE001 - a template is a program of the model's author and may raise anything
            raise JobFailed(Failure.TEMPLATE) from None
        pieces = re.split(f"{nonce}([0-9]{{6}})", rendered)
        if [int(index) for index in pieces[1::2]] != list(range(len(messages))):
            raise JobFailed(Failure.TEMPLATE)  # the template would have left a message out or said one twice
        ids: list[int] = []
        for position, piece in enumerate(pieces):
            text = messages[int(piece)][1] if position % 2 else piece
            ids += self.tokens(text, control=position % 2 == 0)
        bos = self._llm.token_bos()
        return [bos, *ids] if self._adds_bos and ids[:1] != [bos] else ids

    def tokens(self, text: str, *, control: bool) -> list[int]:
        """The token ids of a text; control tokens are recognised in it only when `control` says so."""
        return list(self._llm.tokenize(text.encode("utf-8"), add_bos=False, special=control))

    def generate(self, ids: list[int], job: dict[str, Json], wanted: Callable[[], None]) -> Iterator[bytes]:
        """The bytes of each generated token until the model ends its turn. `wanted` may raise `JobFailed`."""
        llm = self._llm
        grammar = self._grammar(cast("dict[str, str]", job["grammar"]))
        llm.reset()
        llm.set_seed(cast("int", job["seed"]))
        for start in range(0, len(ids) - 1, _READ_AT_ONCE):
            wanted()
            llm.eval(ids[start : min(start + _READ_AT_ONCE, len(ids) - 1)])
        made = llm.generate(
            ids[-1:],
            reset=False,
            temp=cast("float", job["temperature"]),
            top_k=0,
            top_p=cast("float", job["top_p"]),
            min_p=0.0,
            frequency_penalty=cast("float", job["frequency_penalty"]),
            presence_penalty=cast("float", job["presence_penalty"]),
            grammar=grammar,
        )
        for token in made:
            wanted()
            if llama_cpp.llama_vocab_is_eog(self._vocabulary, token):
                return
            yield self._bytes(token)

    def _grammar(self, form: dict[str, str]) -> llama_cpp.LlamaGrammar | None:
        """The grammar of a job, tried first: llama.cpp would take a broken one and end the process."""
        if form["kind"] == "free":
            return None
        try:
            text = JSON_GBNF if form["kind"] == "json" else json_schema_to_gbnf(form["schema"])
        except Exception:  # noqa: BLE001 - the converter may raise anything over a caller's schema; it is no grammar
            raise JobFailed(Failure.GRAMMAR) from None
        if len(text) > _MAX_GRAMMAR:
            raise JobFailed(Failure.GRAMMAR)
        sampler = llama_cpp.llama_sampler_init_grammar(self._vocabulary, text.encode("utf-8"), b"root")
        if not sampler:
            raise JobFailed(Failure.GRAMMAR)
        llama_cpp.llama_sampler_free(sampler)
        return llama_cpp.LlamaGrammar.from_string(text, verbose=False)

    def _bytes(self, token: int, *, control: bool = False) -> bytes:
        """A token's bytes; nothing for a control token unless `control` asks for its name."""
        buffer = ctypes.create_string_buffer(_PIECE)
        piece = llama_cpp.llama_token(token)
        size = llama_cpp.llama_token_to_piece(self._vocabulary, piece, buffer, _PIECE, 0, control)
        return buffer.raw[: max(size, 0)]

    def _mark(self, token: int) -> str:
        return self._bytes(token, control=True).decode("utf-8", "replace") if token >= 0 else ""


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
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back, once no more text comes."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """The length of the longest ending of `text` that begins `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)


def serve(engine: Engine, inbox: Inbox, channel: Channel, answer_limit: int) -> None:
    """Answer jobs, one after the other, for as long as the parent is there."""
    while True:
        number, job = inbox.next()
        try:
            end = _answer(engine, job, Wanted(inbox, number), _Writer(channel, number), answer_limit)
        except JobFailed as failed:
            end = {"error": failed.failure.value}
        except Exception:  # noqa: BLE001 - the exception map: trouble is told as such, and its text never
            end = {"error": Failure.BROKEN.value}
        channel.end(number, end)


class _Writer:
    def __init__(self, channel: Channel, number: int) -> None:
        self._channel = channel
        self._number = number

    def part(self, value: Json) -> None:
        self._channel.part(self._number, value)

    def text(self, text: str) -> None:
        if text:
            self.part({"text": text})


def _answer(
    engine: Engine, job: dict[str, Json], wanted: Wanted, writer: _Writer, answer_limit: int
) -> dict[str, Json]:
    wanted()
    ids = engine.prompt([(role, text) for role, text in cast("list[list[str]]", job["messages"])])
    if len(ids) >= engine.context:
        raise JobFailed(Failure.TOO_LONG)
    writer.part({"prompt": len(ids)})
    limit = min(cast("int", job["limit"]) or answer_limit, engine.context - len(ids))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    stop = StopText(cast("list[str]", job["stops"]))
    made, finish = 0, "stop"
    for data in engine.generate(ids, job, wanted):
        made += 1
        writer.text(stop.push(decoder.decode(data)))
        if stop.hit:
            break
        if made >= limit:
            finish = "length"
            break
    if not stop.hit:
        writer.text(stop.push(decoder.decode(b"", final=True)))
        writer.text(stop.rest())
    return {"finish": finish, "completion": made}


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _say_nothing(_level: int, _text: bytes, _data: ctypes.c_void_p) -> None:
    """Take a line that llama.cpp would log."""


def _silence_llama() -> None:
    llama_cpp.llama_log_set(_say_nothing, ctypes.c_void_p(0))


def _close_stderr() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    os.close(quiet)


def main() -> None:
    """Check and load the model, then serve. A file with another hash is refused before llama.cpp sees it."""
    file, sha256, context, threads, answer_limit = sys.argv[1:6]
    channel = Channel.of_this_process()
    verify_sha256(Path(file), sha256)
    engine = Engine(Path(file), int(context), int(threads))
    inbox = Inbox(channel)
    threading.Thread(target=inbox.read, daemon=True).start()
    channel.ready({"context": engine.context})
    _close_stderr()
    serve(engine, inbox, channel, int(answer_limit))


if __name__ == "__main__":
    main()
