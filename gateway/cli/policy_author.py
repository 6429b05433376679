"""`gateway policy schema` and `gateway policy fmt`: help for whoever writes policy files."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from gateway.adapters.policy_format import Formatted, format_policy
from gateway.adapters.policy_schema import policy_schema


@click.command("schema")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
def schema(*, out: Path | None) -> None:
    """Print the JSON Schema (2020-12) of policy files, so that editors complete and check.

    Editors with the YAML language server take it from a first line `# yaml-language-server: $schema=FILE`.
    """
    text = json.dumps(policy_schema(), indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


@click.command("fmt")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when a file is not in the canonical form.")
def fmt(*, paths: tuple[Path, ...], check: bool) -> None:
    """Bring policy files, or all in a folder and below it, into the canonical form. Comments are kept.

    A file in which a comment could not be kept is left alone, and the place is told; exit 1 then.
    """
    found = False
    for path in _files(paths):
        data = path.read_bytes()
        result = format_policy(str(path), data)
        if not isinstance(result, Formatted):
            found = True
            for problem in result.problems:
                click.echo(f"{problem}")
        elif result.text.encode() != data:
            found = found or check
            click.echo(f"{path}: {'would be changed' if check else 'changed'}")
            if not check:
                _replace(path, result.text)
    sys.exit(1 if found else 0)


def _files(paths: tuple[Path, ...]) -> list[Path]:
    folders = [sorted(each for each in path.rglob("*.yaml") if each.is_file()) for path in paths if path.is_dir()]
    return [*(path for path in paths if not path.is_dir()), *(each for folder in folders for each in folder)]


def _replace(path: Path, text: str) -> None:
    """In one step: whoever reads the folder sees the old file or the new one. Hidden files are passed over there."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.chmod(path.stat().st_mode)
    fresh.replace(path)
