"""The signing key and the receipts that it signs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.ledger_key import LedgerKey, LedgerKeyError, ReceiptError, verify

STATEMENT = b'{"v":1}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the key will be."""
    return tmp_path / "var" / "ledger.key"


def test_the_first_start_makes_a_key_for_its_owner_alone(file: Path) -> None:
    """Mode 0600, and the same key at the next start."""
    key = LedgerKey.load(file)

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert key.public == LedgerKey.load(file).public
    assert [file] == list(file.parent.iterdir())


def test_each_installation_has_its_own_key(file: Path, tmp_path: Path) -> None:
    """Keys are made, not shipped."""
    assert LedgerKey.load(file).public != LedgerKey.load(tmp_path / "other.key").public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    """The message names the file and the command that mends it."""
    LedgerKey.load(file)
    file.chmod(mode)

    with pytest.raises(LedgerKeyError, match=f"chmod 600 {file}"):
        LedgerKey.load(file)


def test_a_file_that_holds_no_such_key_is_refused(file: Path) -> None:
    """Neither rubbish nor a key of another kind; nothing of the file is repeated."""
    other = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.parent.mkdir()
    for content in (b"hunter2", b"", other):
        file.write_bytes(content)
        file.chmod(0o600)
        with pytest.raises(LedgerKeyError) as refused:
            LedgerKey.load(file)
        assert "hunter2" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Configuration, not a traceback."""
    (tmp_path / "file").write_text("")

    with pytest.raises(LedgerKeyError, match="cannot be read or made"):
        LedgerKey.load(tmp_path / "file" / "ledger.key")


def test_a_genuine_token_gives_its_statement(file: Path) -> None:
    """The public key is enough."""
    key = LedgerKey.load(file)

    assert STATEMENT == verify(key.token(STATEMENT), key.public)


def test_a_token_of_another_key_is_refused(file: Path, tmp_path: Path) -> None:
    """Receipts of another installation prove nothing here."""
    with pytest.raises(ReceiptError):
        verify(LedgerKey.load(file).token(STATEMENT), LedgerKey.load(tmp_path / "other.key").public)


def test_every_changed_character_is_found(file: Path) -> None:
    """No character of a token can be another, and none can be added or left out."""
    key = LedgerKey.load(file)
    token = key.token(STATEMENT)
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    for wrong in (*changed, token[:-1], token + "A", token + "=", token + "\n", token.replace(".", ".."), ""):
        with pytest.raises(ReceiptError):
            verify(wrong, key.public)


@given(st.text())
def test_no_text_is_a_receipt_by_chance(text: str) -> None:
    """Any string is answered by a refusal of one kind."""
    with pytest.raises(ReceiptError):
        verify(text, bytes(32))


def test_derived_secrets_differ_by_purpose_and_stay(file: Path) -> None:
    """Each purpose has its own secret, the same at every start, and none is the key."""
    key = LedgerKey.load(file)
    one, other = key.derived_secret(b"placeholders"), key.derived_secret(b"hashes")

    assert (32, one) == (len(one), LedgerKey.load(file).derived_secret(b"placeholders"))
    assert one != other


def test_a_key_shows_nothing_of_itself(file: Path) -> None:
    """Its repr is constant."""
    assert "LedgerKey()" == repr(LedgerKey.load(file))
