"""llama.cpp, loaded with one model: a job's messages become a prompt, the prompt becomes tokens of an answer.

The only module that imports llama_cpp. A caller's text is tokenised apart from the chat template, so it can never
become one of the model's control tokens. A prompt that begins like the one before it is read only from where they part,
in the same steps as if it were new, so that answers do not depend on what came before.
"""

from __future__ import annotations

import ctypes
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import llama_cpp
import numpy as np
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_cpp.llama_grammar import JSON_GBNF, SchemaConverter, json_schema_to_gbnf

from gateway.adapters.llamacpp_dialect import Failure
from gateway.adapters.llamacpp_prompt import Placeholders
from gateway.adapters.llamacpp_tools import CLOSING, OPENING, Call, CallReader, Offer
from gateway.domain.strict_json import Json

_READ_AT_ONCE = 64
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How to load a model. `gpu_layers` is -1 for all; an empty `template` is the model's own; `lora` is a low-rank
    adapter's file, empty for none; without `reuse_prefix` every prompt is read anew."""

    context: int
    threads: int
    gpu_layers: int = 0
    template: str = field(default="", repr=False)
    lora: str = ""
    lora_scale: float = 1.0
    reuse_prefix: bool = True


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer: its bytes and, where they were asked for, its log probability in OpenAI's words."""

    data: bytes = field(repr=False)
    told: Json = field(default=None, repr=False)


class Engine:
    """A loaded model that turns a job into pieces of text."""

    def __init__(self, path: Path, loading: Loading) -> None:
        silence_llama()
        self._llm = llama_cpp.Llama(
            str(path),
            n_ctx=loading.context,
            n_batch=_READ_AT_ONCE,
            n_ubatch=_READ_AT_ONCE,
            n_threads=loading.threads,
            n_threads_batch=loading.threads,
            n_gpu_layers=loading.gpu_layers,
            lora_path=loading.lora or None,
            lora_scale=loading.lora_scale,
            use_mmap=True,
            verbose=False,
        )
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._llm.model)
        metadata = self._llm.metadata
        self._adds_bos = metadata.get("tokenizer.ggml.add_bos_token") == "true"
        self._template = Jinja2ChatFormatter(
            loading.template or metadata.get("tokenizer.chat_template", _CHATML),
            bos_token=self._mark(self._llm.token_bos()),
            eos_token=self._mark(self._llm.token_eos()),
        )
        self.context: int = self._llm.n_ctx()
        self.takes_tools = self._try_tools()
        marks = [self.tokens(mark, control=True) for mark in (OPENING, CLOSING)]
        self._marks = {ids[0] for ids in marks if len(ids) == 1}  # shown, even where they are control tokens
        self._reuse = loading.reuse_prefix
        self._held: list[int] = []  # tokens that were read in whole steps and are still in the model's memory

    def prompt(
        self, messages: Sequence[tuple[str, str]], calls: Sequence[tuple[int, Call]] = (), tools: Sequence[str] = ()
    ) -> list[int]:
        """The token ids of the conversation in the model's chat template. `calls` come with the place of their message,
        `tools` as JSON texts. Raises `JobFailed`."""
        ids: list[int] = []
        for position, text in enumerate(self._rendered(Placeholders(messages, calls, tools))):
            ids += self.tokens(text, control=position % 2 == 0)
        bos = self._llm.token_bos()
        return [bos, *ids] if self._adds_bos and ids[:1] != [bos] else ids

    def _rendered(self, shown: Placeholders) -> list[str]:
        """The template's own text and, at every second place, a caller's. Raises `JobFailed`."""
        try:
            return shown.filled(self._template(messages=shown.messages, tools=shown.tools or None).prompt)
        except Exception:  # noqa: BLE001 - a template is a program of the model's author and may raise anything
            raise JobFailed(Failure.TEMPLATE) from None

    def _try_tools(self) -> bool:
        """Whether the template writes a tool, a call and its result once each, and the call so that it is read back."""
        call = Call("probe", '{"a": 1}')
        turns = [("user", "ask"), ("assistant", ""), ("tool", "result")]
        try:
            rendered = self._rendered(Placeholders(turns, [(1, call)], ['{"name": "probe"}']))
        except JobFailed:
            return False
        reader = CallReader(Offer(names=(call.name,)))
        return call in [*reader.push("".join(rendered)), *reader.rest()]

    def tokens(self, text: str, *, control: bool) -> list[int]:
        """The token ids of a text; control tokens are recognised in it only when `control` says so."""
        return list(self._llm.tokenize(text.encode("utf-8"), add_bos=False, special=control))

    def read(self, ids: Sequence[int], wanted: Callable[[], None]) -> int:
        """Read a prompt up to its last token. Returns how many tokens were there already. `wanted` may raise."""
        kept = self._keep(_alike(self._held, ids[:-1]) // _READ_AT_ONCE * _READ_AT_ONCE if self._reuse else 0)
        for start in range(kept, len(ids) - 1, _READ_AT_ONCE):
            wanted()
            step = ids[start : min(start + _READ_AT_ONCE, len(ids) - 1)]
            self._llm.eval(step)
            self._held += step
        return kept

    def _keep(self, count: int) -> int:
        """Forget all but the first `count` tokens. A model that cannot forget a part forgets everything."""
        memory = llama_cpp.llama_get_memory(self._llm.ctx)
        if not count or not llama_cpp.llama_memory_seq_rm(memory, 0, count, -1):
            self._llm.reset()
            count = 0
        self._llm.n_tokens = count
        del self._held[count:]
        return count

    def generate(self, last: int, job: dict[str, Json], wanted: Callable[[], None]) -> Iterator[Token]:
        """Each generated token until the model ends its turn, after a prompt that was read up to its `last` token.
        `wanted` may raise `JobFailed`."""
        llm = self._llm
        grammar = self._grammar(cast("dict[str, str]", job["grammar"]))
        llm.set_seed(cast("int", job["seed"]))
        made = llm.generate(
            [last],
            reset=False,
            temp=cast("float", job["temperature"]),
            top_k=0,
            top_p=cast("float", job["top_p"]),
            min_p=0.0,
            frequency_penalty=cast("float", job["frequency_penalty"]),
            presence_penalty=cast("float", job["presence_penalty"]),
            grammar=grammar,
        )
        most = cast("int", job["logprobs"])
        for token in made:
            wanted()
            if llama_cpp.llama_vocab_is_eog(self._vocabulary, token):
                return
            data = self._bytes(token, control=token in self._marks)
            yield Token(data, self._told(token, most) if most >= 0 else None)

    def spelled(self, text: str, wanted: Callable[[], None]) -> Iterator[Token]:
        """A text that somebody else made, in the model's tokens. `wanted` may raise `JobFailed`."""
        for token in self.tokens(text, control=False):
            wanted()
            yield Token(self._bytes(token))

    def _told(self, token: int, most: int) -> Json:
        """A token's log probability and those of the `most` likeliest, by what the model itself says of them."""
        logits = np.ctypeslib.as_array(
            llama_cpp.llama_get_logits_ith(self._llm.ctx, -1), shape=(self._llm.n_vocab(),)
        ).astype(np.float64)
        largest = float(logits.max())
        logs = logits - largest - math.log(float(np.exp(logits - largest).sum()))
        likeliest = np.argsort(-logs, kind="stable")[:most].tolist()
        top: list[Json] = [self._entry(each, float(logs[each])) for each in likeliest]
        return {**self._entry(token, float(logs[token])), "top_logprobs": top}

    def _entry(self, token: int, log: float) -> dict[str, Json]:
        data = self._bytes(token)
        octets: list[Json] = list(data)
        return {"token": data.decode("utf-8", "replace"), "logprob": max(log, -9999.0), "bytes": octets}

    def check(self, form: dict[str, str]) -> None:
        """Raise `JobFailed` for a form that no grammar can be made of."""
        self._grammar(form)

    def _grammar(self, form: dict[str, str]) -> llama_cpp.LlamaGrammar | None:
        """The grammar of a job, tried first: llama.cpp would take a broken one and end the process."""
        if form["kind"] == "free":
            return None
        failure = Failure.TOOLS if form["kind"] == "calls" else Failure.GRAMMAR
        try:
            text = _WRITTEN[form["kind"]](form["schema"])
        except Exception:  # noqa: BLE001 - the converter may raise anything over a caller's schema; it is no grammar
            raise JobFailed(failure) from None
        if len(text) > _MAX_GRAMMAR:
            raise JobFailed(failure)
        sampler = llama_cpp.llama_sampler_init_grammar(self._vocabulary, text.encode("utf-8"), b"root")
        if not sampler:
            raise JobFailed(failure)
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


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _calls_gbnf(told: str) -> str:
    """A grammar of one or more calls. Raises what the converter raises, and `ValueError` for a schema that names a rule
    `root`."""
    form = json.loads(told)
    converter = SchemaConverter(prop_order={}, allow_fetch=False, dotall=False, raw_pattern=False)
    calls = []
    for at, (name, schema) in enumerate(form["tools"]):
        rule = converter.visit(converter.resolve_refs(schema, f"tool-{at}"), f"tool-{at}")
        begin, end = f'{OPENING}\n{{"name": "{name}", "arguments": ', f"}}\n{CLOSING}"
        calls.append(f"{json.dumps(begin)} {rule} {json.dumps(end)}")  # GBNF's literals are escaped as JSON's are
    rules: str = converter.format_grammar()
    if re.search(r"^(root|call) ", rules, re.MULTILINE):
        raise ValueError("a rule of this name begins the grammar")
    return f'{rules}\ncall ::= {" | ".join(calls)}\nroot ::= call ("\\n" call){{0,{form["most"] - 1}}}\n'


_WRITTEN: dict[str, Callable[[str], str]] = {
    "json": lambda _: JSON_GBNF,
    "schema": json_schema_to_gbnf,
    "calls": _calls_gbnf,
}


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _say_nothing(_level: int, _text: bytes, _data: ctypes.c_void_p) -> None:
    """Take a line that llama.cpp would log."""


def silence_llama() -> None:
    """Have llama.cpp log nothing: it would quote grammars."""
    llama_cpp.llama_log_set(_say_nothing, ctypes.c_void_p(0))
