"""`gateway models`: which models there are, whether they are what the manifest says, and how to get another one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gateway.adapters.model_manifest import Entry, ModelFileRefused, Shipped, load_manifest
from gateway.adapters.model_pull import PullRefused, Source, adopt, pull
from gateway.cli.options import config_option, settings_of
from gateway.destinations import model_entries
from gateway.settings import Settings

EXIT_FOUND = 1
EXIT_CONFIGURATION = 78


@click.group("models")
def models() -> None:
    """List, verify and pull the models of models/manifest.toml and of your own manifest."""


_MANIFEST = click.option(
    "--manifest", type=click.Path(path_type=Path, dir_okay=False), help="This manifest alone, not the configured ones."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@models.command("list")
@config_option
@_MANIFEST
@_JSON
def list_models(*, config: str, manifest: Path | None, as_json: bool) -> None:
    """Show each model: name, licence, size, context, source."""
    entries = _entries(settings_of(config), manifest)
    if as_json:
        click.echo(json.dumps([_described(model) for model in entries], indent=2))
        return
    for model in entries:
        size = _size(model)
        shown = f"{size / 1e6:.1f} MB" if size else "not here"
        click.echo(f"{model.name:<22} {model.licence:<12} {shown:>10}   context {model.context}")
        for line in (model.description, f"source: {model.source}", f"sha256: {model.sha256 or 'recorded when pulled'}"):
            click.echo(f"{'':<14} {line}")


@models.command("verify")
@config_option
@_MANIFEST
@_JSON
def verify_models(*, config: str, manifest: Path | None, as_json: bool) -> None:
    """Compare every file that is here with its recorded hash. Exit 1 when one differs, or one that ships is missing."""
    entries = _entries(settings_of(config), manifest)
    results = {model.name: _verified(model) for model in entries if _expected(model)}
    if as_json:
        click.echo(json.dumps(results, indent=2))
    else:
        for name, problem in results.items():
            click.echo(f"{name:<22} {problem or 'ok'}")
    if any(results.values()):
        sys.exit(EXIT_FOUND)


@models.command("pull")
@click.argument("name")
@config_option
@_MANIFEST
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Take this file, brought by other means.")
def pull_model(name: str, *, config: str, manifest: Path | None, file: Path | None) -> None:
    """Bring a model here, and check it before it is used. Exit 1 when it cannot be had or is not the right one."""
    settings = settings_of(config)
    found = [entry for entry in _entries(settings, manifest) if entry.name == name]
    if not found:
        click.echo("gateway models: no manifest has a model of this name: gateway models list", err=True)
        sys.exit(EXIT_CONFIGURATION)
    of = settings.model_files
    try:
        digest = adopt(found[0], of.dir, file) if file else pull(found[0], of.dir, Source(of.hub, offline=of.offline))
    except (PullRefused, ModelFileRefused) as refused:
        click.echo(f"gateway models: {refused}", err=True)
        sys.exit(EXIT_FOUND)
    known = "as the manifest says" if found[0].sha256 else "recorded, and checked from now on"
    click.echo(f"{found[0].path}\nsha256 {digest} ({known})")


def _entries(settings: Settings, manifest: Path | None) -> tuple[Entry, ...]:
    try:
        return load_manifest(manifest, settings.model_files.dir) if manifest else model_entries(settings)
    except (ModelFileRefused, FileNotFoundError) as error:
        click.echo(f"gateway models: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION)


def _expected(model: Entry) -> bool:
    """Whether the model's file should be here: it ships, or it was pulled."""
    return isinstance(model.origin, Shipped) or model.path.exists()


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
        "kind": model.kind.value,
        "file": str(model.path),
        "bytes": _size(model),
        "sha256": model.sha256,
        "context": model.context,
        "memory_mb": model.memory_mb,
        "licence": model.licence,
        "source": model.source,
        "description": model.description,
    }
