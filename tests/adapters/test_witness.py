"""A witness cosigns what goes on from what it saw, and nothing else: whoever shows two ledgers is found out."""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_cosigned import cosigned_size, keep_cosigned
from gateway.adapters.sql_tree import StoredTree, newest_note
from gateway.adapters.witness_client import WitnessClient, WitnessError
from gateway.domain.checkpoint import read_note
from gateway.verifier.checks import Outside, Verification
from gateway.verifier.findings import Report, Verdict
from gateway.verifier.formats import NotGenuine, PublicKey, cosigned_at, read_witness_key
from gateway.verifier.told import page
from gateway.verifier.witness import PATH, Answer, Witness, load_key, serve
from tests.adapters.ledger_house import House, house_at
from tests.evidence import decided

NAME = "witness.test/acme"
NOW = 1_796_000_000


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A ledger with some records, signed."""
    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as made:
        made.fill(3)
        made.integrate()
        yield made


@pytest.fixture
def witness(house: House, tmp_path: Path) -> Witness:
    """Somebody who knows the ledger by its public key."""
    return witness_of(house, tmp_path)


def witness_of(house: House, folder: Path) -> Witness:
    """Also after a restart."""
    return Witness(house.public, NAME, load_key(folder / "witness.key"), folder / "seen", lambda: NOW)


def asked(house: House, old: int) -> str:
    """What is sent to a witness that has seen `old` records."""
    with house.engine.connect() as connection:
        note = newest_note(connection)
        proof = StoredTree(connection).consistency(old, read_note(note).size) if old else ()
    return f"old {old}\n{''.join(base64.b64encode(each).decode() + chr(10) for each in proof)}\n{note}"


def verified(house: House, witness: Witness) -> Report:
    """With the witness's line."""
    with auditing(house.engine) as source:
        return Verification(source, house.public, Outside(witnesses=[read_witness_key(witness.public_key)])).run()


def forked(house: House, folder: Path) -> House:
    """The same log with another record in its past, written and signed anew by whoever holds the key."""
    folder.mkdir()
    shutil.copy(house.folder / "ledger.key", folder)
    with house_at(f"sqlite:///{folder}/gateway.db", folder) as other:
        other.fill(4)
        other.integrate()
        return other


def test_a_ledger_that_grows_is_cosigned(house: House, witness: Witness, tmp_path: Path) -> None:
    """First as it is, then with a proof, also by a witness that was started again; each line opens with its key."""
    first = witness.add(asked(house, 0))
    house.write("gw-00000002", decided(), decided())
    house.integrate()
    second = witness_of(house, tmp_path).add(asked(house, 8))

    assert [200, 200] == [first.status, second.status]
    key = read_witness_key(witness.public_key)
    assert NOW == cosigned_at(asked(house, 8).partition("\n\n")[2] + second.text, key)
    assert (tmp_path / "seen").read_text().endswith(second.text)
    with pytest.raises(NotGenuine):
        cosigned_at(asked(house, 8).partition("\n\n")[2] + first.text, key)


def test_what_is_no_continuation_gets_no_cosignature(house: House, witness: Witness, tmp_path: Path) -> None:
    """The log shows somebody else another ledger: 409 for the same size, 422 for a later one; a copy of the witness
    that has seen nothing yet, as control, cosigns it."""
    assert 200 == witness.add(asked(house, 0)).status
    other = forked(house, tmp_path / "other")
    smaller, larger = asked(other, 0), asked(other, 8)

    assert Answer(409, "8\n") == witness.add(smaller)
    assert 422 == witness.add(larger).status
    assert (
        200
        == Witness(house.public, NAME, load_key(tmp_path / "witness.key"), tmp_path / "x", lambda: 1)
        .add(smaller)
        .status
    )
    house.write("gw-00000002", decided())
    house.integrate()
    assert 200 == witness.add(asked(house, 8)).status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400), ("old x\n\n", 400), ("old 0\n???\n\nnote", 400), ("old 0\n\nanother.log\n1\n", 404),
        ("old 0\n\nledger.test/acme\n1\nAAAA\n\n— ledger.test/acme AAAA\n", 403),
    ],
)  # fmt: skip
def test_what_cannot_be_cosigned(witness: Witness, body: str, status: int) -> None:
    """Unreadable, of another log, not signed; and nothing is remembered of it."""
    assert status == witness.add(body).status
    assert 0 == witness.size


def test_a_proof_with_one_byte_changed_is_refused(house: House, witness: Witness) -> None:
    """And a size that the witness has not seen, and one larger than what is to be cosigned."""
    witness.add(asked(house, 0))
    house.write("gw-00000002", decided())
    house.integrate()
    good = asked(house, 8)
    first = good.splitlines()[1]

    assert 422 == witness.add(good.replace(first, ("A" if first[0] != "A" else "B") + first[1:])).status
    assert 409 == witness.add(asked(house, 3)).status
    assert 400 == witness.add(good.replace("old 8", "old 10")).status
    assert 200 == witness.add(good).status


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """As the ledger's own."""
    load_key(tmp_path / "witness.key")
    (tmp_path / "witness.key").chmod(0o644)
    with pytest.raises(NotGenuine, match="chmod 600"):
        load_key(tmp_path / "witness.key")


@dataclass(frozen=True)
class Listening:
    """A witness that listens."""

    witness: Witness
    url: str

    @property
    def key(self) -> PublicKey:
        """What its cosignatures are checked with."""
        return read_witness_key(self.witness.public_key)


@pytest.fixture
def listening(witness: Witness) -> Iterator[Listening]:
    """On loopback."""
    server = serve(witness, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Listening(witness, f"http://127.0.0.1:{server.server_port}{PATH}")
    server.shutdown()
    server.server_close()
    thread.join()


def cosign(house: House, listening: Listening) -> int:
    """Ask, and keep what comes back."""
    with auditing(house.engine) as audit:
        note, tree = newest_note(audit.connection), StoredTree(audit.connection)
        size, known = read_note(note).size, cosigned_size(audit.connection, NAME)
        client = WitnessClient(listening.url, listening.key)
        cosigned = client.cosign(note, size, known, lambda old: tree.consistency(old, size) if old else ())
    with house.engine.begin() as connection:
        keep_cosigned(connection, NAME, size, cosigned, NOW * 1_000_000)
    return size


def test_verification_tells_what_a_witness_saw(house: House, listening: Listening) -> None:
    """Without a cosignature it is incomplete; with one the page says up to where, and what is then protected."""
    without = verified(house, listening.witness)
    assert 8 == cosign(house, listening)
    house.write("gw-00000002", decided())
    house.integrate()
    with_one = verified(house, listening.witness)

    assert (Verdict.INCOMPLETE, {"unwitnessed": 1}) == (without.verdict, without.found)
    assert (Verdict.SOUND, {NAME: (8, NOW)}) == (with_one.verdict, with_one.witnessed)
    assert f"size 8 by {NAME}" in page(with_one)
    assert f"with the help of {NAME}" in page(with_one)
    assert "No witness" in page(without)


def test_a_ledger_written_anew_has_no_cosignature(house: House, listening: Listening, tmp_path: Path) -> None:
    """The holder of the key writes another past and signs it: alone it looks sound. The witness does not cosign it, its
    old cosignature does not fit, and what the witness keeps names the fork."""
    cosign(house, listening)
    other = forked(house, tmp_path / "other")
    with auditing(other.engine) as source:
        assert Verdict.SOUND is Verification(source, house.public).run().verdict

    with pytest.raises(WitnessError, match="another ledger of 8 records"):
        cosign(other, listening)
    assert {"unwitnessed": 1} == verified(other, listening.witness).found
    with house.engine.connect() as old, other.engine.begin() as connection:
        keep_cosigned(
            connection, NAME, 8, next(iter(old.exec_driver_sql("SELECT note FROM cosigned_checkpoints")))[0], 1
        )
    assert {"root-differs": 1} == verified(other, listening.witness).found
    other.change("DELETE FROM cosigned_checkpoints")
    with auditing(other.engine) as source:
        kept = Outside(earlier=[(tmp_path / "seen").read_text()])
        assert {"fork": 1} == Verification(source, house.public, kept).run().found


def test_a_ledger_that_lost_records_is_told(house: House, listening: Listening, tmp_path: Path) -> None:
    """Smaller than what the witness saw: it says so; so does a witness that does not answer."""
    other = forked(house, tmp_path / "other")
    cosign(other, listening)
    with pytest.raises(WitnessError, match="records are gone"):
        cosign(house, listening)
    with pytest.raises(WitnessError, match="cannot be reached"):
        cosign(house, Listening(listening.witness, "http://127.0.0.1:9/add-checkpoint"))
    with pytest.raises(ValueError, match="https"):
        WitnessClient("http://witness.example/add-checkpoint", listening.key)


def test_a_forged_cosignature_is_found(house: House, listening: Listening) -> None:
    """One letter of it changed."""
    cosign(house, listening)
    [(note,)] = house.rows("SELECT note FROM cosigned_checkpoints")
    forged = str(note)[:-10] + ("A" if str(note)[-10] != "A" else "B") + str(note)[-9:]
    house.change("UPDATE cosigned_checkpoints SET note = :n", n=forged)

    assert {"cosignature-forged": 1, "unwitnessed": 1} == verified(house, listening.witness).found
