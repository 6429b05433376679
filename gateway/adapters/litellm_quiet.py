"""litellm's settings: everything off that listens, stores, prints, falls back or fetches; set, and then asserted."""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Awaitable, Mapping
from typing import Protocol, cast

_LISTENERS = (
    "callbacks",
    "input_callback",
    "success_callback",
    "failure_callback",
    "service_callback",
    "_async_input_callback",
    "_async_success_callback",
    "_async_failure_callback",
    "audit_log_callbacks",
    "pre_call_rules",
    "post_call_rules",
    "credential_list",
)

QUIET: Mapping[str, object] = {
    # Nobody listens, nothing is stored.
    **{name: [] for name in _LISTENERS},
    "cache": None,
    "set_verbose": False,
    "log_raw_request_response": False,
    "turn_off_message_logging": True,
    "disable_streaming_logging": True,
    "redact_messages_in_exceptions": True,
    "suppress_debug_info": True,
    # One destination, once.
    **dict.fromkeys(("fallbacks", "default_fallbacks", "model_fallbacks"), None),
    **dict.fromkeys(("context_window_fallbacks", "content_policy_fallbacks", "num_retries"), None),
    **dict.fromkeys(("api_base", "api_key", "headers"), None),
    "model_alias_map": {},
    "use_litellm_proxy": False,
    # The request as it was cleared, and no other connection.
    "drop_params": False,
    "modify_params": False,
    "disable_hf_tokenizer_download": True,
    "disable_aiohttp_transport": True,
    "aiohttp_trust_env": False,
}
"""The settings that are asserted at start and before each request."""

_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "MAX_IMAGE_URL_DOWNLOAD_SIZE_MB": "0",  # nothing is fetched for a request
}
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")


class NotQuiet(Exception):
    """litellm is not as it must be. The message names a setting or a provider, never a value."""


class Litellm(Protocol):
    """What of the library is used."""

    def acompletion(self, **arguments: object) -> Awaitable[object]:
        """Ask a model."""
        ...


def load_quiet() -> Litellm:
    """litellm, imported without network access and silenced."""
    os.environ.update(_ENVIRONMENT)
    litellm = importlib.import_module("litellm")
    for name, value in QUIET.items():
        if hasattr(litellm, name):
            setattr(litellm, name, type(value)() if isinstance(value, list | dict) else value)
    warnings.filterwarnings("ignore", "Pydantic serializer warnings")  # they quote values
    for logger in map(logging.getLogger, _LOGGERS):
        logger.disabled = True
    return cast("Litellm", litellm)


def check_quiet(litellm: object) -> None:
    """Raises `NotQuiet` for the first setting that is not as it must be, or that litellm does not know any more."""
    for name, value in QUIET.items():
        if getattr(litellm, name, NotQuiet) != value:
            raise NotQuiet(f"litellm.{name} is not as it must be")
    for name in _LOGGERS:
        if not logging.getLogger(name).disabled:
            raise NotQuiet(f"the logger {name} is on")
