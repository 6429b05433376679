"""`gateway models`: which model files travel with the gateway, and whether they are what the manifest says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gateway.adapters.model_manifest import Entry, ModelFileRefused, load_manifest
from gateway.paths import data_path

EXIT_FOUND = 1
EXIT_CONFIGURATION = 78
_PULLED = Path("var/models")


@click.group("models")
def models() -> None:
    """List and verify the model files of models/manifest.toml."""


_MANIFEST = click.option(
    "--manifest", type=click.Path(path_type=Path, dir_okay=False), help="Another manifest than the one that ships."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@models.command("list")
@_MANIFEST
@_JSON
def list_models(*, manifest: Path | None, as_json: bool) -> None:
    """Show each model: name, licence, size, context, source."""
    entries = _entries(manifest)
    if as_json:
        click.echo(json.dumps([_described(model) for model in entries], indent=2))
        return
    for model in entries:
        size = _size(model)
        shown = f"{size / 1e6:.1f} MB" if size else "missing"
        click.echo(f"{model.name:<14} {model.licence:<12} {shown:>10}   context {model.context}")
        click.echo(f"{'':<14} {model.description}")
        click.echo(f"{'':<14} source: {model.source}")
        click.echo(f"{'':<14} sha256: {model.sha256}")


@models.command("verify")
@_MANIFEST
@_JSON
def verify_models(*, manifest: Path | None, as_json: bool) -> None:
    """Compare every file with its recorded hash. Exit 1 when one differs or is missing."""
    results = {model.name: _verified(model) for model in _entries(manifest)}
    if as_json:
        click.echo(json.dumps(results, indent=2))
    else:
        for name, problem in results.items():
            click.echo(f"{name:<14} {problem or 'ok'}")
    if any(results.values()):
        sys.exit(EXIT_FOUND)


def _entries(manifest: Path | None) -> tuple[Entry, ...]:
    try:
        return load_manifest(manifest or data_path("models/manifest.toml"), _PULLED)
    except (ModelFileRefused, FileNotFoundError) as error:
        click.echo(f"gateway models: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION)


def _verified(model: Entry) -> str:
    """What is wrong with a model's file, empty when nothing is."""
    try:
        model.model().verify()
    except ModelFileRefused as refused:
        return str(refused)
    return ""


def _size(model: Entry) -> int:
    try:
        return model.path.stat().st_size
    except OSError:
        return 0


def _described(model: Entry) -> dict[str, str | int]:
    return {
        "name": model.name,
        "file": str(model.path),
        "bytes": _size(model),
        "sha256": model.sha256,
        "context": model.context,
        "licence": model.licence,
        "source": model.source,
        "description": model.description,
    }
