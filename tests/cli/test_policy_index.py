"""`gateway policy index`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.policy import policy
from gateway.detection.index_file import describe

TABLE = "member_id,last_name\nM123456789,Kowalska\nM123456780,de la Cruz\n"


def build(folder: Path, source: str, *arguments: str) -> Result:
    """One call of the command."""
    out = ("--out", str(folder / "indexes" / "x"), "--key-file", str(folder / "index.key"))
    return CliRunner().invoke(policy, ["index", "build", str(folder / source), *out, *arguments])


def test_a_table_becomes_an_index(tmp_path: Path) -> None:
    """The key is made once, for its owner alone; the result is told for people and for machines."""
    (tmp_path / "t.csv").write_text(TABLE)
    first = build(tmp_path, "t.csv", "--columns", "member_id,last_name")
    second = build(tmp_path, "t.csv", "--columns", "last_name", "--json")
    told = json.loads(second.stdout)
    header, digest = describe(tmp_path / "indexes" / "x")

    assert (0, 0) == (first.exit_code, second.exit_code)
    assert "4 hashes of 2 rows; a policy names it indexes/x" in first.stdout
    assert ("made the key" in first.stderr, "made the key" in second.stderr) == (True, False)
    assert 0o600 == stat.S_IMODE((tmp_path / "index.key").stat().st_mode)
    assert ("exact_match", 2, ["last_name"], [2], digest) == tuple(
        told[key] for key in ("type", "items", "columns", "hashes", "sha256")
    )
    assert told["key"] == header.key_id


def test_documents_become_an_index(tmp_path: Path) -> None:
    """Text files of a folder and below it; short ones are counted."""
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "a.txt").write_text("one sentence of the contract after the other " * 5)
    (tmp_path / "docs" / "deep" / "b.md").write_text("short")
    (tmp_path / "docs" / "c.pdf").write_bytes(b"\xff")
    told = json.loads(build(tmp_path, "docs", "--json").stdout)

    assert ("fingerprint", 1, 1) == (told["type"], told["items"], told["skipped"])


@pytest.mark.parametrize(
    ("table", "columns", "words"),
    [
        (b"member_id,last_name\nM1,Kowalska,zebra\n", "member_id", "t.csv:2: 3 fields where 2 are named"),
        (b"member_id,last_name\nM1,\xff\n", "member_id", "t.csv:2: not UTF-8"),
        (b'member_id,last_name\nM1,"zebra\n', "member_id", "not readable as CSV"),
        (b"Kowalska,zebra\nM1,x\n", "member_id", "the first line has to name the column 'member_id' once"),
        (b"a,a\nM1,x\n", "a", "the first line has to name the column 'a' once"),
        (b"", "a", "the first line has to name the column 'a' once"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused(tmp_path: Path, table: bytes, columns: str, words: str) -> None:
    """With its line and without a value; an index that was there stays."""
    (tmp_path / "indexes").mkdir()
    (tmp_path / "indexes" / "x").write_text("before")
    (tmp_path / "t.csv").write_bytes(table)
    result = build(tmp_path, "t.csv", "--columns", columns)

    assert 1 == result.exit_code
    assert words in result.stderr
    assert "zebra" not in result.output
    assert ["x"] == [path.name for path in (tmp_path / "indexes").iterdir()]
    assert "before" == (tmp_path / "indexes" / "x").read_text()


def test_a_folder_without_documents_and_a_bad_key_are_refused(tmp_path: Path) -> None:
    """Exit 1 and a sentence."""
    (tmp_path / "docs").mkdir()
    nothing = build(tmp_path, "docs")
    (tmp_path / "docs" / "a.txt").write_text("words of it " * 9)
    (tmp_path / "index.key").chmod(0o644)
    open_key = build(tmp_path, "docs")
    (tmp_path / "index.key").write_text("zebra")
    (tmp_path / "index.key").chmod(0o600)
    no_key = build(tmp_path, "docs")

    assert [1, 1, 1] == [each.exit_code for each in (nothing, open_key, no_key)]
    assert "no file whose name ends in .txt or .md" in nothing.stderr
    assert "chmod 600" in open_key.stderr
    assert "holds no key" in no_key.stderr
    assert "zebra" not in no_key.output


@pytest.mark.parametrize(
    ("source", "arguments"), [("t.csv", ()), ("docs", ("--columns", "a")), ("t.csv", ("--columns", "a,a"))]
)
def test_a_table_has_columns_and_documents_have_none(tmp_path: Path, source: str, arguments: tuple[str, ...]) -> None:
    """Anything else is a wrong call."""
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "docs").mkdir()

    assert 2 == build(tmp_path, source, *arguments).exit_code
