"""`gateway ledger`: what an auditor and a compliance officer do with it, from the command line."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.adapters import ledger_export
from gateway.cli.ledger import ledger
from gateway.domain.costs import NO_OTHER_WAY, UNPRICED, Cost, OtherWay
from gateway.domain.evidence import SYNTHETIC, Content, Erased, ErasureScope, PolicyEvidence, Route
from gateway.domain.finding import JudgedTask, Permille, Task
from gateway.domain.labels import DataClass
from tests.adapters.ledger_house import House, house_at
from tests.cli.processes import config
from tests.conftest import REPOSITORY
from tests.evidence import CLOCK, RECEIVED, SENT, activated, decided, outcome

OLD = 1_600_000_000_000_000
ALL = ("--format", "jsonl", "--format", "csv", "--format", "ocsf", "--format", "tiles")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The ledger of a configured gateway, with some records in it."""
    config(tmp_path, "http://127.0.0.1:9/v1")
    text = (tmp_path / "gateway.yaml").read_text()
    named = text.replace("append_deadline_ms: 2000", "append_deadline_ms: 2000, origin: ledger.test/acme")
    (tmp_path / "gateway.yaml").write_text(named.replace("2000,", f"2000, signed_file: '{tmp_path}/signed',"))
    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as made:
        made.fill(200)
        made.integrate()
        yield made


def run(house: House, *arguments: str) -> Result:
    """One command with the house's configuration."""
    return CliRunner().invoke(ledger, [*arguments, "--config", str(house.folder / "gateway.yaml")])


def exported(house: House, *arguments: str) -> Path:
    """An export, and the key beside it."""
    folder = house.folder / "export"
    result = run(house, "export", str(folder), *arguments)
    assert 0 == result.exit_code, result.output
    (house.folder / "ledger.pub").write_text(run(house, "public-key").output)
    return folder


def test_what_a_verification_came_to_is_recorded_where_that_is_asked(house: House) -> None:
    """Under the name that the console's overview looks for; else nothing is written."""
    for arguments in ((), ("--record",)):
        assert 0 == run(house, "verify", *arguments).exit_code
    house.change("UPDATE records SET app = 'other' WHERE sequence = 2")
    assert 1 == run(house, "verify", "--record").exit_code

    told = [
        json.loads(bytes(body)) for (body,) in house.rows("SELECT body FROM records WHERE kind = 'admin' ORDER BY at")
    ]  # type: ignore[call-overload]
    assert ["verified_sound", "verified_altered"] == [each["action"] for each in told]


def verified(house: House, folder: Path, *arguments: str) -> Result:
    """The export, with the key alone."""
    return run(house, "verify", str(folder), "--public-key", str(house.folder / "ledger.pub"), "--json", *arguments)


def test_a_sound_database_is_sound_and_an_altered_one_is_not(house: House) -> None:
    """Exit 0, 1 and 2; the page says what it protects against and what not."""
    sound = run(house, "verify")
    house.write("gw-00000002", decided())
    incomplete = run(house, "verify", "--json")
    house.change("UPDATE records SET label = 'public' WHERE sequence = 7")
    altered = run(house, "verify")

    assert [0, 2, 1] == [sound.exit_code, incomplete.exit_code, altered.exit_code]
    assert "SOUND" in sound.output
    assert "whoever holds the signing key" in sound.output
    assert {"unsigned": 1} == json.loads(incomplete.output)["found"]
    assert "gw-00000001/7" in altered.output


def test_what_cannot_be_judged_exits_with_3(house: House, tmp_path: Path) -> None:
    """No export, no key, a key of another log."""
    (tmp_path / "wrong.pub").write_text("nonsense")
    (tmp_path / "empty").mkdir()
    folder = exported(house)

    assert 3 == run(house, "verify", str(folder), "--public-key", str(tmp_path / "wrong.pub")).exit_code
    assert 3 == run(house, "verify", str(tmp_path / "empty")).exit_code
    house.change("DROP TABLE tree_entries")
    assert 3 == run(house, "verify").exit_code
    assert 78 == run(house, "show", "01JD0000000000000000000000").exit_code


def test_an_export_verifies_with_the_key_alone(house: House) -> None:
    """All formats; then one letter changed, a record left out, one twice: each is found."""
    folder = exported(house, *ALL)
    assert 0 == verified(house, folder).exit_code, verified(house, folder).output
    file = next((folder / "records").glob("*.jsonl"))
    lines = file.read_text().splitlines(keepends=True)

    changed = lines[40].replace("claims-bot", "claims-bat")
    manipulations = {
        "body-altered": [*lines[:40], changed, *lines[41:]],
        "position-gap": [*lines[:40], *lines[41:]],
        "place-altered": [*lines[:41], *lines[40:]],
        "tree-short": lines[:-1],
    }
    for code, altered in manipulations.items():
        file.write_text("".join(altered))
        result = verified(house, folder)
        assert 1 == result.exit_code
        assert code in json.loads(result.output)["found"]


def test_a_copied_verifier_needs_nothing_of_the_gateway(house: House, tmp_path: Path) -> None:
    """The folder alone, in a process that cannot import the gateway."""
    folder = exported(house)
    shutil.copytree(REPOSITORY / "gateway" / "verifier", tmp_path / "away" / "verifier")
    script = "import runpy, sys; runpy.run_module('verifier', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '{tmp_path}/away'); {script}"]
    blocked = "import sys; sys.modules['gateway'] = None; "
    command[3] = blocked + command[3]
    done = subprocess.run(
        [*command, str(folder), "--public-key", str(tmp_path / "ledger.pub")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert "SOUND" in done.stdout


def test_an_interrupted_export_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut after the first file: incomplete, exit 2; run again, and the rest is written, the first file untouched."""
    monkeypatch.setattr(ledger_export, "PER_FILE", 150)
    write = ledger_export.LedgerExport._write_line

    def cut(self: ledger_export.LedgerExport, entry: ledger_export._Entry, *more: object) -> None:
        if entry.position == 200:
            raise KeyboardInterrupt
        write(self, entry, *more)  # type: ignore[arg-type]

    folder = house.folder / "export"
    with monkeypatch.context() as patch:
        patch.setattr(ledger_export.LedgerExport, "_write_line", cut)
        assert 1 == run(house, "export", str(folder)).exit_code
    first = (folder / "records" / "000000000000.jsonl").stat().st_mtime_ns
    (house.folder / "ledger.pub").write_text(run(house, "public-key").output)
    unfinished = verified(house, folder)
    assert (2, {"export-unfinished": 1}) == (unfinished.exit_code, json.loads(unfinished.output)["found"])
    house.fill(5, "gw-00000002")
    house.integrate()

    assert 0 == run(house, "export", str(folder)).exit_code
    assert first == (folder / "records" / "000000000000.jsonl").stat().st_mtime_ns
    assert (0, 402) == (verified(house, folder).exit_code, json.loads(verified(house, folder).output)["records"])


@pytest.mark.parametrize("name", ["checkpoint", "checkpoints.jsonl", "manifest.json", "000", "146"])
def test_an_export_goes_on_from_any_file(house: House, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The disk fails in the middle of a file: no half of one has its name, and another run writes all of it."""
    write = Path.replace

    def fails(self: Path, target: Path) -> Path:
        if target.name == name:
            self.write_bytes(self.read_bytes()[:-1])
            raise OSError
        return write(self, target)

    folder = house.folder / "export"
    tries = ["export", str(folder), "--format", "jsonl", "--format", "tiles"]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails)
        failed = run(house, *tries).exit_code
    (house.folder / "ledger.pub").write_text(run(house, "public-key").output)

    assert (1, 0) == (failed, run(house, *tries).exit_code)
    assert 0 == verified(house, folder).exit_code
    assert 256 * 32 == (folder / "tile" / "0" / "000").stat().st_size
    assert 146 * 32 == (folder / "tile" / "0" / "001.p" / "146").stat().st_size


def test_a_part_of_the_ledger_is_checked_by_its_proofs(house: House) -> None:
    """A period alone: its records lead to the signed root; a proof that was changed does not. It says so."""
    folder = exported(house, "--since", "2001-01-01", "--until", "2100-01-01")
    sound = verified(house, folder)
    assert (0, False) == (sound.exit_code, json.loads(sound.output)["whole"])
    file = next((folder / "records").glob("*.jsonl"))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[3]["proof"][0] = lines[4]["proof"][0]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    assert {"proof-altered": 1} == json.loads(verified(house, folder).output)["found"]


def test_an_export_takes_no_directory_that_holds_something_else(house: House) -> None:
    """Neither foreign files nor an export of other formats."""
    folder = exported(house)
    assert 1 == run(house, "export", str(folder), "--format", "csv").exit_code
    assert 1 == run(house, "export", str(house.folder)).exit_code


def test_the_table_and_the_events_say_the_same(house: House) -> None:
    """As many rows as records, as many events as decisions, the version in each."""
    folder = exported(house, *ALL)
    rows = list(csv.DictReader((folder / "csv" / "000000000000.csv").read_text().splitlines()))
    events = [json.loads(line) for line in (folder / "ocsf" / "000000000000.jsonl").read_text().splitlines()]

    assert (402, 200) == (len(rows), len(events))
    assert {"1.4.0"} == {event["metadata"]["version"] for event in events}
    assert {200601} == {event["type_uid"] for event in events}
    assert [row["decision_id"] for row in rows if row["kind"] == "intent"] == [e["finding_info"]["uid"] for e in events]


def test_the_tiles_are_those_of_the_specification(house: House) -> None:
    """A full and a partial tile of hashes, the bundles of records, a level above."""
    folder = exported(house, *ALL)
    tile = folder / "tile"

    assert 256 * 32 == (tile / "0" / "000").stat().st_size
    assert 146 * 32 == (tile / "0" / "001.p" / "146").stat().st_size
    assert 32 == (tile / "1" / "000.p" / "1").stat().st_size
    bundle = (tile / "entries" / "001.p" / "146").read_bytes()
    assert b'{"' == bundle[2:4]
    assert (folder / "checkpoint").read_text().startswith("ledger.test/acme\n402\n")


def test_one_decision_is_shown_and_proven(house: House) -> None:
    """All of its records; the exact bytes are proven, one byte more is not."""
    evidence = decided()
    house.write("gw-00000002", evidence, outcome(evidence.decision_id))
    house.integrate()
    exact, other = house.folder / "exact.json", house.folder / "other.json"
    exact.write_bytes(SENT)
    other.write_bytes(SENT + b" ")
    proof = house.folder / "record.json"
    shown = run(house, "show", evidence.decision_id)
    proven = run(house, "prove", evidence.decision_id, "--file", str(exact), "--out", str(proof))

    assert ["intent", "outcome"] == [line.split()[0] for line in shown.output.splitlines() if not line.startswith(" ")]
    assert "PROVEN" in proven.output
    assert " sent " in proven.output
    assert 0 == proven.exit_code
    assert (house.folder / "record.json.tlog-proof").read_text().startswith("c2sp.org/tlog-proof@v1\nindex 402\n")
    exact.write_bytes(RECEIVED)
    assert " received " in run(house, "prove", evidence.decision_id, "--file", str(exact)).output
    assert 1 == run(house, "prove", evidence.decision_id, "--file", str(other)).exit_code
    assert 1 == run(house, "show", "01JD0000000000000000000000").exit_code


def test_the_report_counts_and_names(house: House) -> None:
    """Totals; a decision that sent health data outside is named; what is open is listed; all three forms say it."""
    sent = decided(
        classes=frozenset({DataClass.PHI}), policy=PolicyEvidence(7, "sha256:" + "ab" * 32, "0" * 16, (), "X", ())
    )
    blocked = decided(route=Route.BLOCKED, destination="", sent=Content(b""))
    house.write("gw-00000002", activated(), sent, blocked)
    house.integrate()
    period = ("--since", "2001-01-01", "--until", "2100-01-01")
    told = json.loads(run(house, "report", *period, "--format", "json").output)
    text = run(house, "report", *period)
    page = run(house, "report", *period, "--format", "html").output

    assert {"external-transformed": 201, "blocked": 1} == told["routes"]
    assert ({"pii": 201, "phi": 1}, 1) == (told["classes"], told["sensitive_sent"])
    assert [sent.decision_id] == told["unresolved"] == [each["id"] for each in told["sensitive"]]
    assert 0 == text.exit_code
    for form in (text.output, page):
        assert sent.decision_id in form
        assert "SOUND" in form
        assert "whoever holds the signing key" in form
    assert "@media print" in page


def test_the_report_has_every_part(house: House) -> None:
    """What a compliance officer is asked for, in all three forms."""
    sent = decided(
        classes=frozenset({DataClass.SECRET}),
        policy=PolicyEvidence(7, "sha256:" + "ab" * 32, "0" * 16, ("a-rule",), "X", (), ("night-shift",)),
    )
    own = decided(tenant=SYNTHETIC, app=SYNTHETIC)
    house.write("gw-00000002", activated("sha256:" + "cd" * 32), sent, own, outcome(own.decision_id, tenant=SYNTHETIC))
    house.write("gw-00000003", Erased(at=CLOCK.now(), scope=ErasureScope.TENANT, subject="globex", salts=0, keys=0))
    house.integrate()
    period = ("--since", "2001-01-01", "--until", "2100-01-01")
    forms = [run(house, "report", *period, "--format", form).output for form in ("text", "json", "html")]

    parts = [
        *("external-transformed", "secret", "acme / claims-bot", "openai-eu", "EMAIL_ADDRESS"),
        *("revision 412", "activated sha256:cdcdcd", "night-shift", "completed"),
        *(sent.decision_id, "tenant globex", "407", "gateway-canary"),
        *("SOUND", "Protects against", "Does not protect against"),
    ]
    assert [] == [
        (part, number) for part in parts for number, form in enumerate(forms) if part.lower() not in form.lower()
    ]
    assert "1 of them on the gateway's own probes" in forms[0]


def test_an_outcome_of_the_next_period_resolves_a_decision(house: House) -> None:
    """Sent before midnight, answered after it: not among those of which nobody knows."""
    answered, lost = decided(at=OLD), decided(at=OLD)
    house.write("gw-00000002", answered, lost, outcome(answered.decision_id, at=OLD + 1_000_000))
    period = ("--since", "2020-09-13T12:26:40", "--until", "2020-09-13T12:26:41")

    assert [lost.decision_id] == json.loads(run(house, "report", *period, "--format", "json").stdout)["unresolved"]


def test_the_report_says_what_answers_from_inside_saved(house: House) -> None:
    """By app and task, from the outcomes' own estimates; what has no price is counted, and never taken for free."""
    known = OtherWay("openai", Cost(30_000_000, known=True), 4_000, 3)
    summary = JudgedTask(Task.SUMMARISATION, Permille(900))
    answers = [
        (summary, "claims", Cost(10_000_000, known=True), known),
        (summary, "claims", UNPRICED, known),
        (JudgedTask(), "hr", UNPRICED, OtherWay("openai", UNPRICED, 0, 0)),
        (JudgedTask(), "hr", UNPRICED, NO_OTHER_WAY),
    ]
    for task, app, cost, other in answers:
        kept = decided(route=Route.LOCAL, destination="local-slm", sent=Content(b""), app=app, task=task)
        house.write("gw-00000002", kept, outcome(kept.decision_id, cost=cost, other=other))
    left = decided()
    house.write("gw-00000002", left, outcome(left.decision_id, cost=Cost(70_000_000, known=True)))
    house.integrate()
    period = ("--since", "2001-01-01", "--until", "2100-01-01")
    costs = json.loads(run(house, "report", *period, "--format", "json").output)["costs"]
    claims, hr = costs["inside"]

    assert ("acme / claims", "summarisation", 2, 60_000_000, 10_000_000, 50_000_000, 0, 1) == tuple(
        claims[name]
        for name in (
            "app",
            "task",
            "answers",
            "outside_nano_dollars",
            "inside_nano_dollars",
            "saved_nano_dollars",
            "without_a_price",
            "machine_without_a_cost",
        )
    )
    assert ("acme / hr", "unknown", 1, 0, 1) == tuple(
        hr[name] for name in ("app", "task", "answers", "saved_nano_dollars", "without_a_price")
    )
    assert 70_000_000 == costs["spent_outside_nano_dollars"]
    text = run(house, "report", *period).output
    page = run(house, "report", *period, "--format", "html").output
    for form in (text, page):
        assert "acme / claims, summarisation" in form
        assert "0.0500" in form
        assert "1 answers have no known price outside" in form
    assert "           2      0.0600      0.0100      0.0500  acme / claims, summarisation" in text


def test_the_report_says_that_nothing_was_sent(house: House) -> None:
    """The control: without such a decision it says so; an altered ledger exits with 1."""
    period = ("--since", "2001-01-01", "--until", "2100-01-01")
    clean = run(house, "report", *period)
    house.change("UPDATE records SET app = 'x' WHERE sequence = 7")

    assert "No decision of this period sent data of class phi, financial or secret outside" in clean.output
    assert [0, 1] == [clean.exit_code, run(house, "report", *period).exit_code]
