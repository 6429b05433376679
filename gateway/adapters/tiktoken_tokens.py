"""Token ids to text with tiktoken, from the vocabulary that is installed with litellm: no network, no cache.

Only the vocabulary's file is used, and only if its digest is the published one; litellm itself is not imported.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import tiktoken

_FILE = Path("litellm_core_utils", "tokenizers", "9b5ad71b2ce5302211f9c61530b329a4922fc6a4")
_DIGEST = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
    r"|\s+(?!\S)|\s"
)
_SPECIAL = {
    "<|endoftext|>": 100257,
    "<|fim_prefix|>": 100258,
    "<|fim_middle|>": 100259,
    "<|fim_suffix|>": 100260,
    "<|endofprompt|>": 100276,
}
_OWN = frozenset({"minilm"})
"""The encoder that ships has no ids of its own on the wire: it takes those of OpenAI's embeddings."""

_MODELS = _OWN | frozenset(
    {"text-embedding-ada-002", "gpt-3.5-turbo", "gpt-35-turbo", "gpt-4", "gpt-4-turbo", "davinci-002", "babbage-002"}
)
_FAMILIES = (
    "text-embedding-3-",
    "gpt-3.5-turbo-",
    "gpt-35-turbo-",
    "gpt-4-0",
    "gpt-4-1106",
    "gpt-4-32k",
    "gpt-4-turbo-",
    "gpt-4-vision-",
)


class VocabularyError(Exception):
    """The vocabulary is not installed, or is not the published one."""


def vocabulary_file() -> Path:
    """Where litellm's copy of the vocabulary lies. Raises `VocabularyError` if litellm is not installed."""
    spec = find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        raise VocabularyError("litellm, which brings the vocabulary, is not installed")
    return Path(spec.submodule_search_locations[0], _FILE)


class TiktokenTokens:
    """The token ids of OpenAI's models with the vocabulary cl100k_base; read from disk when they are first needed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def check(self) -> None:
        """Read the vocabulary. Raises `VocabularyError` if it is not there or not the published one."""
        _ = self._encoding

    def text(self, model: str, ids: Sequence[int]) -> str | None:
        """The text that `ids` stand for; None for another vocabulary's model, and for ids that are not exactly those
        of one text: half a character, a special token, a splitting that the tokenizer would not make."""
        if not _is_known(model) or not all(0 <= each < _SPECIAL["<|endoftext|>"] for each in ids):
            return None
        try:
            text = self._encoding.decode(ids, errors="strict")
        except (UnicodeDecodeError, KeyError):
            return None
        return text if self._encoding.encode_ordinary(text) == list(ids) else None

    @cached_property
    def _encoding(self) -> tiktoken.Encoding:
        return tiktoken.Encoding(
            "cl100k_base", pat_str=_PATTERN, mergeable_ranks=_ranks(self._file), special_tokens=_SPECIAL
        )


def _is_known(model: str) -> bool:
    name = model.rsplit("/", 1)[-1].removeprefix("ft:").partition(":")[0]
    return name in _MODELS or name.startswith(_FAMILIES)


def _ranks(file: Path) -> dict[bytes, int]:
    """The vocabulary: a token in base64 and its rank a line."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise VocabularyError("the vocabulary cannot be read") from error
    if hashlib.sha256(content).hexdigest() != _DIGEST:
        raise VocabularyError("the vocabulary is not the published one")
    try:
        pairs = [line.split() for line in content.splitlines() if line]
        return {base64.b64decode(token): int(rank) for token, rank in pairs}
    except (ValueError, binascii.Error) as error:
        raise VocabularyError("the vocabulary is not a list of tokens and ranks") from error
