"""`gateway policy schema` and `gateway policy fmt`: help for whoever writes policy files."""

from __future__ import annotations

import json
from pathlib import Path

import click

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
