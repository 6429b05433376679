"""Legacy completions, embeddings and moderations of the stand-in provider.

A completion repeats its prompt. A vector is a hash of its text, so equal texts have equal vectors. A text is flagged
when it says "kill".
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Iterator
from itertools import zip_longest

from gateway.domain.strict_json import Json
from gateway.testing.stand_in_mind import (
    CREATED,
    Asked,
    Body,
    Finish,
    Reply,
    Voice,
    inner,
    objects,
    pieces,
    reply,
    strings,
    text_of,
    whole_number,
)

_DIMENSIONS = {"text-embedding-3-large": 3072}
_CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent"),
    *(
        "self-harm",
        "self-harm/instructions",
        "self-harm/intent",
        "sexual",
        "sexual/minors",
        "violence",
        "violence/graphic",
    ),
)


def text_completion(body: Body, voice: Voice) -> Body:
    """A legacy completion: as many choices for each prompt as asked."""
    said = _replies(body, voice)
    choices: list[Json] = [
        _choice(body, index, _opening(body, one) + one.text, _finish(one), voice.size)
        for index, one in enumerate(one for one in said for _ in range(one.asked.choices))
    ]
    return {**_head(said), "choices": choices, "usage": _usage(said)}


def text_completion_chunks(body: Body, voice: Voice) -> Iterator[Body]:
    """The chunks of a streamed legacy completion. `[DONE]` is not among them."""
    said = _replies(body, voice)
    include_usage = inner(body, "stream_options").get("include_usage") is True
    extra: Body = {"usage": None} if include_usage else {}
    each = [one for one in said for _ in range(one.asked.choices)]
    for row in zip_longest(*(_chunks(body, one, voice.size, index) for index, one in enumerate(each))):
        for choice in row:
            if choice is not None:
                yield {**_head(said), "choices": [choice], **extra}
    if include_usage:
        yield {**_head(said), "choices": [], "usage": _usage(said)}


def embeddings(body: Body, voice: Voice) -> Body:
    """One vector for each input, of unit length, as floats or as base64 of little-endian 32-bit floats."""
    del voice
    inputs = _inputs(body.get("input"))
    dimensions = whole_number(body.get("dimensions"), _DIMENSIONS.get(str(body.get("model")), 1536))
    as_text = body.get("encoding_format") == "base64"
    data: list[Json] = [
        {"object": "embedding", "index": index, "embedding": _vector(text, dimensions, as_text=as_text)}
        for index, text in enumerate(inputs)
    ]
    tokens = sum(max(1, len(text.split())) for text in inputs)
    usage: Body = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": str(body.get("model", "")), "usage": usage}


def moderation(body: Body, voice: Voice) -> Body:
    """One result for each input; parts of one input have one result together."""
    del voice
    told = body.get("input")
    texts = (text_of(told),) if objects(told) else strings(told)
    results: list[Json] = [_judged(text) for text in texts]
    return {"id": "modr-standin", "model": str(body.get("model") or "omni-moderation-latest"), "results": results}


def _judged(text: str) -> Body:
    flagged = re.search(r"\bkill", text, re.IGNORECASE) is not None
    categories: Body = {name: flagged and name == "violence" for name in _CATEGORIES}
    scores: Body = {name: 0.9 if told else 0.01 for name, told in categories.items()}
    kinds: Body = {name: ["text"] for name in _CATEGORIES}
    return {
        "flagged": flagged,
        "categories": categories,
        "category_scores": scores,
        "category_applied_input_types": kinds,
    }


def _replies(body: Body, voice: Voice) -> list[Reply]:
    return [
        reply(
            Asked(
                model=str(body.get("model", "")),
                words=prompt,
                stop=strings(body.get("stop")),
                limit=whole_number(body.get("max_tokens"), -1),
                choices=whole_number(body.get("n"), 1),
                prompt_tokens=len(prompt.split()),
            ),
            voice,
        )
        for prompt in _inputs(body.get("prompt"))
    ]


def _inputs(value: Json) -> list[str]:
    """The texts of a prompt or an input: one or several, each text or the token ids of one."""
    if isinstance(value, list) and value and not all(isinstance(item, int) for item in value):
        return [_one(item) for item in value]
    return [_one(value)]


def _one(value: Json) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _vector(text: str, dimensions: int, *, as_text: bool) -> Json:
    raw = struct.unpack(f"<{dimensions}h", hashlib.shake_256(text.encode()).digest(2 * dimensions))
    length = sum(part * part for part in raw) ** 0.5 or 1.0
    packed = struct.pack(f"<{dimensions}f", *(part / length for part in raw))
    return base64.b64encode(packed).decode() if as_text else list(struct.unpack(f"<{dimensions}f", packed))


def _chunks(body: Body, said: Reply, size: int, index: int) -> Iterator[Body]:
    for piece in pieces(_opening(body, said) + said.text, size):
        yield _choice(body, index, piece, None, size)
    yield _choice(body, index, "", _finish(said), size)


def _opening(body: Body, said: Reply) -> str:
    """The prompt, where the answer is to begin with it."""
    return said.asked.words if body.get("echo") is True else ""


def _choice(body: Body, index: int, text: str, finish: Json, size: int) -> Body:
    return {"text": text, "index": index, "logprobs": _logprobs(body, text, size), "finish_reason": finish}


def _logprobs(body: Body, text: str, size: int) -> Json:
    asked = body.get("logprobs")
    if not isinstance(asked, int) or isinstance(asked, bool):
        return None
    tokens: list[Json] = list(pieces(text, size))
    return {
        "tokens": tokens,
        "token_logprobs": [-0.25] * len(tokens),
        "top_logprobs": [{str(token): -0.25} for token in tokens] if asked else None,
        "text_offset": list(range(0, len(text), size)),
    }


def _head(said: list[Reply]) -> Body:
    return {
        "id": "cmpl-standin",
        "object": "text_completion",
        "created": CREATED,
        "model": said[0].asked.model,
        "system_fingerprint": "fp_standin",
    }


def _usage(said: list[Reply]) -> Body:
    prompt, answer = sum(one.asked.prompt_tokens for one in said), sum(one.tokens for one in said)
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _finish(said: Reply) -> str:
    return "length" if said.finish is Finish.LENGTH else "stop"
