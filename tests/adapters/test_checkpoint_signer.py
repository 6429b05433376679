"""The signer's memory: one root for one size, whatever the database says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapters.checkpoint_signer import CheckpointSigner, MemoryUnreadable, NotAContinuation
from gateway.adapters.ledger_key import LedgerKey
from gateway.verifier.formats import open_checkpoint, read_public_key

ONE, OTHER = b"1" * 32, b"2" * 32


@pytest.fixture
def signer(tmp_path: Path) -> CheckpointSigner:
    """A signer that has signed nothing."""
    return CheckpointSigner(LedgerKey.load(tmp_path / "ledger.key"), "", tmp_path / "signed")


def test_what_is_signed_can_be_checked_with_one_line(signer: CheckpointSigner) -> None:
    """The public key in one line, and a log that is named by it."""
    opened = open_checkpoint(signer.sign(5, ONE), read_public_key(signer.public_key))

    assert (5, ONE) == (opened.size, opened.root)
    assert signer.origin.startswith("privacy-gateway/")


def test_one_size_has_one_root(signer: CheckpointSigner) -> None:
    """The same again is the same note; another root is refused, a smaller tree is not signed."""
    note = signer.sign(5, ONE)

    assert note == signer.sign(5, ONE)
    assert "" == signer.sign(4, OTHER)
    with pytest.raises(NotAContinuation):
        signer.sign(5, OTHER)


def test_the_memory_is_shared_and_stays(signer: CheckpointSigner, tmp_path: Path) -> None:
    """Another process, or the next start, knows what was signed."""
    signer.sign(5, ONE)
    other = CheckpointSigner(LedgerKey.load(tmp_path / "ledger.key"), "", tmp_path / "signed")

    with pytest.raises(NotAContinuation):
        other.sign(5, OTHER)
    assert 0o600 == (tmp_path / "signed").stat().st_mode & 0o777


def test_a_tree_that_goes_on_is_accepted(signer: CheckpointSigner) -> None:
    """At the signed size it must have the signed root; nothing signed yet accepts anything."""
    signer.check(lambda: 0, lambda _: ONE)
    signer.sign(5, ONE)

    signer.check(lambda: 9, lambda size: ONE if size == 5 else OTHER)
    for size, root in ((4, ONE), (9, OTHER)):
        with pytest.raises(NotAContinuation):
            signer.check(lambda size=size: size, lambda _, root=root: root)  # type: ignore[misc]


def test_after_an_accepted_loss_no_signed_size_is_signed_again(signer: CheckpointSigner) -> None:
    """Not even with the old root; the next size is."""
    signer.sign(5, ONE)
    assert 5 == signer.acknowledge()

    signer.check(lambda: 2, lambda _: OTHER)
    assert ["", ""] == [signer.sign(size, ONE) for size in (3, 5)]
    assert "" != signer.sign(6, OTHER)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"size": 3, "note": "x"}', '{"size": "x", "note": ""}'])
def test_a_memory_that_cannot_be_read_stops_the_signer(signer: CheckpointSigner, tmp_path: Path, content: str) -> None:
    """It is not taken for an empty one."""
    (tmp_path / "signed").write_text(content)

    with pytest.raises(MemoryUnreadable, match="does not hold a checkpoint"):
        signer.sign(1, ONE)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With the setting that mends it."""
    (tmp_path / "file").write_text("")
    signer = CheckpointSigner(LedgerKey.load(tmp_path / "ledger.key"), "", tmp_path / "file" / "signed")

    with pytest.raises(MemoryUnreadable, match=r"ledger\.signed_file"):
        signer.sign(1, ONE)
