"""Checkpoints in the formats that other people's tools read."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.checkpoint import (
    Checkpoint,
    CheckpointError,
    is_origin,
    read_note,
    signed_note,
    tlog_proof,
    verifier_key,
)
from gateway.verifier.formats import NotGenuine, _is_signed, open_checkpoint, read_public_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
ORIGIN = "ledger.example/acme"
SAID = Checkpoint(ORIGIN, 20852163, bytes(range(32)))

GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""The example of golang.org/x/mod/sumdb/note, where the format comes from."""


def note_of(said: Checkpoint) -> str:
    """A checkpoint signed with the test's key."""
    return signed_note(said, PUBLIC, KEY.sign(said.text.encode()))


def test_the_verifier_opens_a_note_of_another_implementation() -> None:
    """The published example of the format's authors, and not with a word changed."""
    key = read_public_key(GO_KEY)

    assert _is_signed(GO_TEXT, GO_SIGNATURE, key)
    assert not _is_signed(GO_TEXT.replace("your", "my", 1), GO_SIGNATURE, key)


def test_our_key_line_is_theirs() -> None:
    """Name and key of the published example make its line."""
    key = read_public_key(GO_KEY)

    assert GO_KEY == verifier_key("PeterNeumann", key.key.public_bytes_raw())


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_a_signed_checkpoint_says_what_was_signed(size: int, root: bytes) -> None:
    """Through the verifier, and through our own reading."""
    said = Checkpoint(ORIGIN, size, root)
    opened = open_checkpoint(note_of(said), read_public_key(verifier_key(ORIGIN, PUBLIC)))

    assert (size, root) == (opened.size, opened.root)
    assert said == read_note(note_of(said))


def test_no_character_of_a_note_can_be_another() -> None:
    """Every one of them, in text and signature."""
    key, note = read_public_key(verifier_key(ORIGIN, PUBLIC)), note_of(SAID)
    for at, character in enumerate(note[:-2]):
        wrong = note[:at] + ("A" if character != "A" else "B") + note[at + 1 :]
        with pytest.raises(NotGenuine):
            open_checkpoint(wrong, key)


def test_another_key_or_name_opens_nothing() -> None:
    """A log of another name, a key of another log, a line whose id does not fit."""
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for line in (verifier_key("ledger.example/globex", PUBLIC), verifier_key(ORIGIN, other)):
        with pytest.raises(NotGenuine):
            open_checkpoint(note_of(SAID), read_public_key(line))
    line = verifier_key(ORIGIN, PUBLIC)
    for wrong in ("", "x", line.replace("+", "-"), line[:-4], f"x{line}"):
        with pytest.raises(NotGenuine):
            read_public_key(wrong)


@pytest.mark.parametrize("text", ["", "a\n1\n", f"{ORIGIN}\n01\n{SAID.text.splitlines()[2]}\n\n— {ORIGIN} AAAA\n"])
def test_what_is_no_checkpoint_is_not_read_as_one(text: str) -> None:
    """Nothing, half of one, and a number that is not canonical."""
    with pytest.raises(CheckpointError):
        read_note(text)


def test_names_of_logs() -> None:
    """No spaces, no plus, no line breaks: they would be read as something else."""
    assert is_origin(ORIGIN)
    assert not any(map(is_origin, ("", "a b", "a+b", "a\nb", "-a")))


def test_a_proof_holds_everything_that_a_check_needs() -> None:
    """Header, place, hashes, an empty line, the checkpoint."""
    told = tlog_proof(7, (bytes(32),), note_of(SAID)).split("\n\n", 1)

    assert ["c2sp.org/tlog-proof@v1", "index 7", f"{'A' * 43}="] == told[0].split("\n")
    assert note_of(SAID) == told[1]
