"""The sections of the settings that say where requests may go: destinations, and what callers name to get there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.domain.capability import Capability
from gateway.domain.policy import Zone
from gateway.settings.sections import Section, ServedOperation

_NAME = r"^[a-z0-9][a-z0-9_.-]{0,62}$"


class _Destination(Section):
    api_key_env: str = ""
    api_key_file: str = ""
    timeout_s: float = Field(default=600.0, gt=0)
    connect_timeout_s: float = Field(default=10.0, gt=0)


class _External(_Destination):
    """`extra_fields` are names of fields outside the dialect that requests to this destination may carry: they are
    inspected and forwarded. `"*"` stands for any name; fields that the gateway refuses by name stay refused."""

    zone: Literal[Zone.EXTERNAL]
    extra_fields: tuple[str, ...] = ()


class OpenAiExternal(_External):
    """An OpenAI-compatible provider outside. `operations` are those that it serves; empty: all of OpenAI's."""

    adapter: Literal["openai"]
    base_url: str
    allow_http: bool = False
    operations: tuple[ServedOperation, ...] = ()


class LitellmExternal(_External):
    """Any other provider outside, translated by litellm. `provider` is litellm's own name for it; `anthropic` is also
    spoken to in its own dialect."""

    adapter: Literal["litellm"]
    provider: str = Field(pattern=_NAME)
    base_url: str = ""
    allow_http: bool = False


class OpenAiLocal(_Destination):
    """An OpenAI-compatible server inside the network. `replicas` are further addresses of the same model, of which the
    least busy is asked. `model` replaces the caller's model name when it is set. `lacks` is what its model cannot do,
    `context` how many tokens it reads (0: not known); policies say what happens then.
    `hourly_cost` is what it costs an hour in US dollars (0: not known)."""

    zone: Literal[Zone.IN_NETWORK]
    adapter: Literal["openai"]
    base_url: str
    replicas: tuple[str, ...] = ()
    model: str = ""
    allowed_ranges: tuple[str, ...] = ()
    operations: tuple[ServedOperation, ...] = ("chat", "completions", "embeddings")
    lacks: tuple[Capability, ...] = ()
    context: int = Field(default=0, ge=0)
    hourly_cost: float = Field(default=0.0, ge=0, le=100_000)


class LlamaCpp(Section):
    """A model file that the gateway runs itself, in a process of its own. `gpu_layers` is -1 for all; `chat_template`
    is a file (empty: the model's own); `lora` names a low-rank adapter of the manifest; `answer_limit` is in tokens.
    `hourly_cost` is what the machine costs an hour in US dollars (0: not known)."""

    zone: Literal[Zone.IN_NETWORK]
    adapter: Literal["llama_cpp"]
    model: str = "embedded"
    context: int = Field(default=8192, ge=256)
    threads: int = Field(default=2, ge=1)
    gpu_layers: int = Field(default=0, ge=-1)
    chat_template: str = ""
    lora: str = ""
    lora_scale: float = Field(default=1.0, gt=0, le=10)
    answer_limit: int = Field(default=1024, ge=1)
    reuse_prefix: bool = True
    queue: int = Field(default=16, ge=1)
    deadline_s: float = Field(default=120.0, gt=0)
    hourly_cost: float = Field(default=0.0, ge=0, le=100_000)


class SentenceEncoder(Section):
    """An encoder that the gateway runs itself, in a process of its own, and that answers embeddings."""

    zone: Literal[Zone.IN_NETWORK]
    adapter: Literal["sentence_encoder"]
    model: str = "minilm"
    queue: int = Field(default=16, ge=1)
    deadline_s: float = Field(default=60.0, gt=0)
    hourly_cost: float = Field(default=0.0, ge=0, le=100_000)


External = OpenAiExternal | LitellmExternal
Destination = Annotated[
    OpenAiExternal | LitellmExternal | OpenAiLocal | LlamaCpp | SentenceEncoder, Field(union_mode="left_to_right")
]


class ModelAlias(Section):
    """Where a name that callers use may go."""

    external: str = ""
    local: str = ""
