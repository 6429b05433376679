"""Token ids to text, against tiktoken's own encoding of the same vocabulary."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.tiktoken_tokens import TiktokenTokens, VocabularyError, vocabulary_file

TOKENS = TiktokenTokens(vocabulary_file())
MODEL = "text-embedding-3-small"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tiktoken.Encoding:
    """The library's own cl100k_base, from a cache that holds the installed file."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / vocabulary_file().name).write_bytes(vocabulary_file().read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
        return tiktoken.get_encoding("cl100k_base")


@pytest.mark.parametrize(
    "text", ["hello", "Jane Doe, jane@example.org", "  two\n\n lines ", "naïve 日本語 🙂", "1234567"]
)
def test_ids_are_read(published: tiktoken.Encoding, text: str) -> None:
    """The ids that clients compute with the same library give their text again."""
    assert text == TOKENS.text(MODEL, published.encode(text))


@given(st.text(min_size=1, max_size=200))
@settings(deadline=None)
def test_any_text_is_read_or_left_alone(text: str) -> None:
    """Never another text."""
    ids = TOKENS._encoding.encode_ordinary(text)

    assert text == TOKENS.text(MODEL, ids)


@given(st.lists(st.integers(0, 100300), min_size=1, max_size=12))
@settings(deadline=None)
def test_any_ids_stand_for_one_text_or_none(ids: list[int]) -> None:
    """What was read is what a provider would read: the same ids again."""
    text = TOKENS.text(MODEL, ids)

    assert text is None or TOKENS._encoding.encode_ordinary(text) == ids


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param([9468], id="half a character"),
        pytest.param([100257], id="a special token"),
        pytest.param([100256], id="no token"),
        pytest.param([10**9], id="out of range"),
        pytest.param([-1], id="negative"),
        pytest.param([71, 4896], id="split as the tokenizer would not"),
    ],
)
def test_what_is_not_exactly_one_text_is_not_read(ids: list[int]) -> None:
    """A provider might read such ids in another way."""
    assert TOKENS.text(MODEL, ids) is None


@pytest.mark.parametrize(
    "model",
    [
        "text-embedding-3-large",
        "text-embedding-ada-002",
        "gpt-3.5-turbo-instruct",
        "davinci-002",
        "babbage-002",
        "gpt-4",
        "gpt-4-0613",
        "gpt-4-turbo",
        "openai/text-embedding-3-small",
        "ft:davinci-002:acme::abc",
    ],
)
def test_models_of_this_vocabulary(model: str) -> None:
    """Also with a provider's prefix, and tuned."""
    assert "hello" == TOKENS.text(model, [15339])


@pytest.mark.parametrize(
    "model",
    ["gpt-4o", "gpt-4.1", "gpt-5", "o3", "text-davinci-003", "nomic-embed-text", "", "gpt-4-1-mini", "gpt-4-omni"],
)
def test_models_of_another_vocabulary_are_not_read(model: str) -> None:
    """The same number stands for another text there."""
    assert TOKENS.text(model, [15339]) is None


@pytest.mark.parametrize("content", [None, b"", b"aGVsbG8= 1\n"])
def test_a_vocabulary_that_is_not_the_published_one_is_not_used(tmp_path: Path, content: bytes | None) -> None:
    """Else an inspected text would not be the one that the ids stand for."""
    file = tmp_path / "vocabulary"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(VocabularyError):
        TiktokenTokens(file).check()


def test_nothing_is_imported_or_fetched() -> None:
    """The vocabulary is found without litellm, which would open connections, and without a network."""
    code = (
        "import socket, sys\n"
        "socket.socket.connect = lambda *_: sys.exit(3)\n"
        "from gateway.adapters.tiktoken_tokens import TiktokenTokens, vocabulary_file\n"
        "assert TiktokenTokens(vocabulary_file()).text('gpt-4', [15339]) == 'hello'\n"
        "assert 'litellm' not in sys.modules and 'requests' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)

    assert 0 == ended.returncode, ended.stderr.decode()
