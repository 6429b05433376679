"""Chat completions as OpenAI and its likes speak them, from what the stand-in decided to say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from gateway.domain.strict_json import Json
from gateway.testing.stand_in_mind import (
    CREATED,
    Asked,
    Body,
    Call,
    Choice,
    Finish,
    Form,
    Mode,
    Reply,
    Tool,
    Voice,
    inner,
    mode_of,
    objects,
    pieces,
    reply,
    strings,
    text_of,
    whole_number,
    words_in,
)


def asked_of(body: Body) -> Asked:
    """What a chat request asks."""
    messages = objects(body.get("messages"))
    last = messages[-1] if messages else {}
    form, schema = _form(body.get("response_format"))
    return Asked(
        model=str(body.get("model", "")),
        words=text_of(last.get("content")),
        answering=last.get("role") != "user",
        called=frozenset(_called(messages)),
        calls=sum(len(objects(message.get("tool_calls"))) for message in messages),
        tools=(*map(_tool, objects(body.get("tools"))), *map(_function, objects(body.get("functions")))),
        choice=_choice(body),
        parallel=body.get("parallel_tool_calls") is not False and not body.get("functions"),
        form=form,
        schema=schema,
        stop=strings(body.get("stop")),
        limit=whole_number(body.get("max_completion_tokens"), whole_number(body.get("max_tokens"), -1)),
        thinks=_thinks(body),
        choices=whole_number(body.get("n"), 1),
        prompt_tokens=words_in(*(message.get("content") for message in messages)),
    )


def completion(body: Body, voice: Voice) -> Body:
    """A chat completion."""
    said = reply(asked_of(body), voice)
    choices: list[Json] = [
        {
            "index": index,
            "message": _message(said, legacy=_legacy(body)),
            "logprobs": _logprobs(body, list(pieces(said.text, voice.size))),
            "finish_reason": _finish(said, legacy=_legacy(body)),
        }
        for index in range(said.asked.choices)
    ]
    return {**_head("chat.completion", said), "choices": choices, "usage": _usage(said)}


def completion_chunks(body: Body, voice: Voice) -> Iterator[Body]:
    """The chunks of a streamed chat completion, its choices side by side. `[DONE]` is not among them."""
    said = reply(asked_of(body), voice)
    include_usage = inner(body, "stream_options").get("include_usage") is True
    extra: Body = {"usage": None} if include_usage else {}
    streams = [_choice_chunks(body, said, voice.size, index) for index in range(said.asked.choices)]
    for row in zip_longest(*streams):
        for choice in row:
            if choice is not None:
                yield {**_head("chat.completion.chunk", said), "choices": [choice], **extra}
    if include_usage:
        yield {**_head("chat.completion.chunk", said), "choices": [], "usage": _usage(said)}


def _choice_chunks(body: Body, said: Reply, size: int, index: int) -> Iterator[Body]:
    def choice(delta: Body, logprobs: Json = None, finish: Json = None) -> Body:
        return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}

    yield choice({"role": "assistant", "content": "" if said.text else None, "refusal": None})
    for piece in pieces(said.reasoning, size):
        yield choice({"reasoning_content": piece})
    for piece in pieces(said.refusal, size):
        yield choice({"refusal": piece})
    for piece in pieces(said.text, size):
        yield choice({"content": piece}, _logprobs(body, [piece]))
    for delta in _function_deltas(said, size) if _legacy(body) else _call_deltas(said, size):
        yield choice(delta)
    yield choice({}, None, _finish(said, legacy=_legacy(body)))


def _call_deltas(said: Reply, size: int) -> Iterator[Body]:
    for index, call in enumerate(said.calls):
        kind, argument = ("custom", "input") if call.custom else ("function", "arguments")
        first: Body = {"index": index, "id": call_id(call), "type": kind, kind: {"name": call.name, argument: ""}}
        yield {"tool_calls": [first]}
        for piece in pieces(call.argument, size):
            yield {"tool_calls": [{"index": index, kind: {argument: piece}}]}


def _function_deltas(said: Reply, size: int) -> Iterator[Body]:
    for call in said.calls:
        yield {"function_call": {"name": call.name, "arguments": ""}}
        for piece in pieces(call.argument, size):
            yield {"function_call": {"arguments": piece}}


def call_id(call: Call) -> str:
    """The identifier of a call."""
    return f"call_{call.number}"


def _message(said: Reply, *, legacy: bool) -> Body:
    message: Body = {"role": "assistant", "content": said.text or None, "refusal": said.refusal or None}
    if not said.calls and not said.refusal:
        message["content"] = said.text
    if said.reasoning:
        message["reasoning_content"] = said.reasoning
    if said.calls and legacy:
        message["function_call"] = {"name": said.calls[0].name, "arguments": said.calls[0].argument}
    elif said.calls:
        message["tool_calls"] = [_call(call) for call in said.calls]
    return message


def _call(call: Call) -> Body:
    if call.custom:
        return {"id": call_id(call), "type": "custom", "custom": {"name": call.name, "input": call.argument}}
    function: Body = {"name": call.name, "arguments": call.argument}
    return {"id": call_id(call), "type": "function", "function": function}


def _logprobs(body: Body, tokens: list[str]) -> Json:
    if body.get("logprobs") is not True or not tokens:
        return None
    entries: list[Json] = [logprob(token, whole_number(body.get("top_logprobs"), 0)) for token in tokens]
    return {"content": entries, "refusal": None}


def logprob(token: str, top: int) -> Body:
    """One token with its probability, and `top` alternatives, the token itself the first."""
    entry: Body = {"token": token, "logprob": -0.25, "bytes": list(token.encode())}
    others: list[Json] = [{**entry, "logprob": -0.25 - rank} for rank in range(top)]
    return {**entry, "top_logprobs": others}


def _called(messages: list[Body]) -> Iterator[str]:
    """The names of the tools that were called since the user spoke."""
    for message in reversed(messages):
        if message.get("role") == "user":
            return
        yield str(inner(message, "function_call").get("name", ""))
        for call in objects(message.get("tool_calls")):
            yield str({**inner(call, "function"), **inner(call, "custom")}.get("name", ""))


def _tool(tool: Body) -> Tool:
    custom = tool.get("type") == "custom"
    told = inner(tool, "custom" if custom else "function")
    return Tool(str(told.get("name", "")), told.get("parameters"), custom)


def _function(function: Body) -> Tool:
    return Tool(str(function.get("name", "")), function.get("parameters"))


def _choice(body: Body) -> Choice:
    chosen = body.get("function_call" if _legacy(body) else "tool_choice")
    if not isinstance(chosen, dict):
        return Choice(mode_of(chosen))
    allowed = inner(chosen, "allowed_tools")
    if allowed:
        return Choice(
            mode_of(allowed.get("mode")), frozenset(_tool(tool).name for tool in objects(allowed.get("tools")))
        )
    named = chosen if _legacy(body) else {**inner(chosen, "function"), **inner(chosen, "custom")}
    return Choice(Mode.REQUIRED, frozenset({str(named.get("name", ""))}))


def _form(told: Json) -> tuple[Form, Json]:
    match told:
        case {"type": "json_schema"}:
            return Form.SCHEMA, inner(told, "json_schema").get("schema")
        case {"type": "json_object"}:
            return Form.OBJECT, None
        case _:
            return Form.PROSE, None


def _thinks(body: Body) -> bool:
    effort = body.get("reasoning_effort") or inner(body, "reasoning").get("effort")
    asked = inner(body, "chat_template_kwargs").get("enable_thinking") is True
    return asked or effort not in {None, "none", "minimal"}


def _legacy(body: Body) -> bool:
    return bool(body.get("functions")) and not body.get("tools")


def _head(kind: str, said: Reply) -> Body:
    return {
        "id": "chatcmpl-standin",
        "object": kind,
        "created": CREATED,
        "model": said.asked.model,
        "service_tier": "default",
        "system_fingerprint": "fp_standin",
    }


def _usage(said: Reply) -> Body:
    prompt = said.asked.prompt_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said.tokens,
        "total_tokens": prompt + said.tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": said.reasoning_tokens, "audio_tokens": 0},
    }


def _finish(said: Reply, *, legacy: bool) -> str:
    match said.finish:
        case Finish.CALLS:
            return "function_call" if legacy else "tool_calls"
        case Finish.LENGTH:
            return "length"
        case _:
            return "stop"
