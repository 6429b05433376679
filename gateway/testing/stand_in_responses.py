"""Responses as OpenAI speaks them, from what the stand-in decided to say: the whole object and its items."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.strict_json import Json
from gateway.testing.stand_in_chat import call_id, logprob
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

_CALLS = {"function_call", "custom_tool_call"}
_RESULTS = {"function_call_output", "custom_tool_call_output"}
_REPEATED: Body = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def asked_of(body: Body) -> Asked:
    """What a request for a response asks."""
    told = body.get("input")
    items = [*objects(told)] or [{"role": "user", "content": told}]
    shape = inner(inner(body, "text"), "format")
    return Asked(
        model=str(body.get("model", "")),
        words=_words(items),
        answering=items[-1].get("type") in _RESULTS,
        called=frozenset(_called(items)),
        calls=sum(item.get("type") in _CALLS for item in items),
        tools=tuple(_tool(tool) for tool in objects(body.get("tools")) if tool.get("type") in {"function", "custom"}),
        choice=_choice(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        form={"json_schema": Form.SCHEMA, "json_object": Form.OBJECT}.get(str(shape.get("type")), Form.PROSE),
        schema=shape.get("schema"),
        stop=strings(body.get("stop")),
        limit=whole_number(body.get("max_output_tokens"), -1),
        thinks=inner(body, "reasoning").get("effort") not in {None, "none", "minimal"},
        prompt_tokens=words_in(
            body.get("instructions"), *(item.get("content") or item.get("output") for item in items)
        ),
    )


def response(body: Body, voice: Voice) -> Body:
    """A whole response."""
    said = reply(asked_of(body), voice)
    return finished(body, said, list(items_of(body, said, voice.size)))


def opened(body: Body, said: Reply) -> Body:
    """The response before anything was said. It repeats what the request set."""
    repeated: Body = {name: value for name, value in body.items() if name in _REPEATED and value is not None}
    return {
        "id": "resp_standin",
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": said.asked.model,
        "output": [],
        "service_tier": "default",
        **_REPEATED,
        **repeated,
        "usage": None,
    }


def finished(body: Body, said: Reply, items: list[Json]) -> Body:
    """The response when everything was said."""
    cut = said.finish is Finish.LENGTH
    return {
        **opened(body, said),
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "completed_at": CREATED + 1,
        "output": items,
        "usage": _usage(said),
    }


def items_of(body: Body, said: Reply, size: int) -> Iterator[Body]:
    """The items of the output, each whole. `size` is the length of a token in characters, where tokens are listed."""
    if said.asked.thinks:
        yield _reasoning(body, said)
    if not said.calls:
        status = "incomplete" if said.finish is Finish.LENGTH else "completed"
        refusal: Body = {"type": "refusal", "refusal": said.refusal}
        part = refusal if said.refusal else _text_part(body, said.text, size)
        yield {"id": "msg_standin", "type": "message", "role": "assistant", "status": status, "content": [part]}
    for call in said.calls:
        yield _call(call)


def input_tokens(body: Body, voice: Voice) -> Body:
    """How many tokens a request has."""
    del voice
    return {"object": "response.input_tokens", "input_tokens": asked_of(body).prompt_tokens}


def token_list(body: Body, text: str, size: int) -> list[Json]:
    """The tokens of a text with their probabilities; none when the request does not ask for them."""
    if "message.output_text.logprobs" not in strings(body.get("include")):
        return []
    return [logprob(token, whole_number(body.get("top_logprobs"), 0)) for token in pieces(text, size)]


def _text_part(body: Body, text: str, size: int) -> Body:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": token_list(body, text, size)}


def _reasoning(body: Body, said: Reply) -> Body:
    """A summary where one is wanted; models with open weights tell their reasoning itself."""
    item: Body = {"id": "rs_standin", "type": "reasoning", "summary": []}
    if inner(body, "reasoning").get("summary"):
        item["summary"] = [{"type": "summary_text", "text": said.reasoning}]
    if said.asked.model.startswith("gpt-oss"):
        item["content"] = [{"type": "reasoning_text", "text": said.reasoning}]
    if "reasoning.encrypted_content" in strings(body.get("include")):
        item["encrypted_content"] = "c3RhbmQtaW4="
    return item


def _call(call: Call) -> Body:
    shared: Body = {"call_id": call_id(call), "name": call.name, "status": "completed"}
    if call.custom:
        return {"id": f"ctc_{call.number}", "type": "custom_tool_call", "input": call.argument, **shared}
    return {"id": f"fc_{call.number}", "type": "function_call", "arguments": call.argument, **shared}


def _words(items: list[Body]) -> str:
    """The text of the last message or tool's result."""
    last = next((item for item in reversed(items) if "content" in item or "output" in item), {})
    return text_of(last.get("output") if last.get("type") in _RESULTS else last.get("content"))


def _called(items: list[Body]) -> Iterator[str]:
    """The names of the tools that were called since the user spoke."""
    for item in reversed(items):
        if item.get("role") == "user":
            return
        if item.get("type") in _CALLS:
            yield str(item.get("name", ""))


def _tool(tool: Body) -> Tool:
    return Tool(str(tool.get("name", "")), tool.get("parameters"), tool.get("type") == "custom")


def _choice(told: Json) -> Choice:
    match told:
        case {"type": "allowed_tools", "tools": tools, "mode": mode}:
            return Choice(mode_of(mode), frozenset(str(tool.get("name", "")) for tool in objects(tools)))
        case {"name": str(name)}:
            return Choice(Mode.REQUIRED, frozenset({name}))
        case _:
            return Choice(mode_of(told))


def _usage(said: Reply) -> Body:
    prompt = said.asked.prompt_tokens
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": said.tokens,
        "output_tokens_details": {"reasoning_tokens": said.reasoning_tokens},
        "total_tokens": prompt + said.tokens,
    }
