"""`gateway policy index build`: index files for the detectors `exact_match` and `fingerprint`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TimeRemainingColumn

from gateway.adapters.policy_indexes import FOLDER
from gateway.cli.options import config_option, settings_of
from gateway.detection.index_file import IndexKey, IndexRefused, describe, load_key, make_key

if TYPE_CHECKING:
    from gateway.detection.index_build import Built

EXIT_REFUSED = 1
_DOCUMENTS = ("*.txt", "*.md")
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("index")
def index() -> None:
    """Build the indexes of keyed hashes that policies look values and documents up in."""


@index.command("build")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The index file to write.")
@click.option("--columns", default="", metavar="A,B", help="The columns of a table, as its first line names them.")
@click.option("--without", type=_FOLDER, help="Folder of public documents, whose passages are left out.")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key (else detector.index_key_file).")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def build(
    *, source: Path, out: Path, columns: str, without: Path | None, key_file: Path | None, config: str, as_json: bool
) -> None:
    """Build an index from a CSV file (exact_match) or from a folder of .txt and .md files (fingerprint).

    Files are in UTF-8. The key is made where there is none; who detects needs the same one. An index that is there is
    replaced in one step, and a gateway that serves takes the new one up by itself.
    """
    names = [name.strip() for name in columns.split(",") if name.strip()]
    if source.is_dir() == bool(names) or len(set(names)) != len(names):
        raise click.UsageError("a table needs --columns, each named once; a folder of documents has none")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        key = _key(key_file or settings_of(config).detector.index_key_file)
        built = _documents(source, without, out, key) if source.is_dir() else _table(source, names, out, key)
    except IndexRefused as refused:
        _stop(str(refused))
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}")
    told = _described(built, out)
    click.echo(json.dumps(told, indent=2) if as_json else _sentence(built, out))


def _key(path: Path) -> IndexKey:
    if path.exists():
        return load_key(path)
    click.echo(f"made the key {path}: the gateway needs it, keep a copy, and keep it apart from the indexes", err=True)
    return make_key(path)


def _table(source: Path, columns: list[str], out: Path, key: IndexKey) -> Built:
    from gateway.detection.index_build import build_table  # noqa: PLC0415 - other commands need no arrays

    with _bar() as bar:
        reading = bar.add_task(source.name, total=source.stat().st_size)
        return build_table(source, columns, out, key, lambda size: bar.advance(reading, size))


def _documents(source: Path, without: Path | None, out: Path, key: IndexKey) -> Built:
    from gateway.detection.index_build import build_documents  # noqa: PLC0415 - as above

    known, public = _files(source), _files(without) if without else []
    if not known:
        raise IndexRefused(f"{source}: no file whose name ends in .txt or .md")
    with _bar() as bar:
        reading = bar.add_task(source.name, total=sum(path.stat().st_size for path in (*known, *public)))
        return build_documents(known, public, out, key, lambda size: bar.advance(reading, size))


def _files(folder: Path) -> list[Path]:
    return sorted(path for pattern in _DOCUMENTS for path in folder.rglob(pattern) if path.is_file())


def _bar() -> Progress:
    """On a terminal only."""
    console = Console(stderr=True)
    parts = (BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*parts, console=console, disable=not console.is_terminal, transient=True)


def _described(built: Built, out: Path) -> dict[str, object]:
    header, digest = describe(out)
    return {
        "index": str(out),
        "type": header.kind.value,
        "items": header.items,
        "columns": list(header.columns),
        "hashes": list(header.counts),
        "skipped": built.skipped,
        "bytes": out.stat().st_size,
        "sha256": digest,
        "key": header.key_id,
    }


def _sentence(built: Built, out: Path) -> str:
    header = built.header
    what = "rows" if header.columns else "documents"
    short = f", {built.skipped} too short or too long left out" if built.skipped else ""
    named = f"{FOLDER}/{out.name}"
    return f"{out}: {sum(header.counts)} hashes of {header.items} {what}{short}; a policy names it {named}"


def _stop(message: str) -> NoReturn:
    click.echo(f"gateway policy index: {message}", err=True)
    sys.exit(EXIT_REFUSED)
