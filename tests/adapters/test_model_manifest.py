"""The model manifest and the check of its files."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.model_manifest import ModelFileRefused, OnHub, Shipped, find_model, load_manifest, record_digest
from gateway.paths import data_path

ENTRY = {
    "name": '"m"',
    "file": '"m.gguf"',
    "sha256": f'"{hashlib.sha256(b"weights").hexdigest()}"',
    "context": "512",
    "licence": '"Apache-2.0"',
    "source": '"here"',
    "description": '"a model"',
}


def manifest(folder: Path, **changes: str) -> Path:
    """A manifest with one entry, some of its TOML values changed; an empty one is left out."""
    lines = [f"{key} = {value}" for key, value in {**ENTRY, **changes}.items() if value]
    path = folder / "manifest.toml"
    path.write_text("[[model]]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_an_entry_is_read_and_its_file_verified(tmp_path: Path) -> None:
    """The file is looked for beside the manifest and must have the hash."""
    (tmp_path / "m.gguf").write_bytes(b"weights")
    model = find_model(load_manifest(manifest(tmp_path), tmp_path), "m")
    model.model().verify()
    assert (model.path, model.context, model.licence) == (tmp_path / "m.gguf", 512, "Apache-2.0")


@pytest.mark.parametrize("content", [b"weightz", b"", b"weights\n"])
def test_an_altered_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Every other content is refused."""
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(ModelFileRefused):
        find_model(load_manifest(manifest(tmp_path), tmp_path), "m").model().verify()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """No file is no model."""
    with pytest.raises(ModelFileRefused):
        find_model(load_manifest(manifest(tmp_path), tmp_path), "m").model().verify()


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": '"abc"'},
        {"sha256": "5"},
        {"context": "0"},
        {"context": "true"},
        {"context": '"512"'},
        {"licence": ""},
        {"licence": '""'},
        {"file": '"../elsewhere.gguf"'},
        {"file": '"/etc/passwd"'},
        {"extra": '"x"'},
    ],
)
def test_a_malformed_entry_is_refused(tmp_path: Path, changes: dict[str, str]) -> None:
    """A field that is wrong, missing, unknown or points elsewhere spoils the manifest."""
    with pytest.raises(ModelFileRefused):
        load_manifest(manifest(tmp_path, **changes), tmp_path)


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    """A name means one file."""
    path = manifest(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(ModelFileRefused):
        load_manifest(path, path.parent)


def test_an_unknown_name_and_a_missing_manifest_are_refused(tmp_path: Path) -> None:
    """Neither leads to a default."""
    with pytest.raises(ModelFileRefused):
        find_model(load_manifest(manifest(tmp_path), tmp_path), "other")
    with pytest.raises(ModelFileRefused):
        load_manifest(tmp_path / "none.toml", tmp_path)


@given(text=st.text(max_size=60))
def test_arbitrary_text_is_refused_or_empty(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No text that somebody did not mean as a manifest names a model, and nothing but the refusal is raised."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.toml"
    path.write_text(text, encoding="utf-8")
    with contextlib.suppress(ModelFileRefused):
        assert load_manifest(path, path.parent) == ()


HUB = {"hub": '"owner/repository"', "sha256": ""}


def test_a_model_of_a_hub_needs_no_digest_until_it_is_pulled(tmp_path: Path) -> None:
    """Then the recorded one holds."""
    path = manifest(tmp_path, **HUB)
    [before] = load_manifest(path, tmp_path)
    with pytest.raises(ModelFileRefused, match="gateway models pull m"):
        before.model()
    record_digest(tmp_path, "m", "0" * 64)
    [after] = load_manifest(path, tmp_path)

    assert before.origin == OnHub("owner/repository", "m.gguf")
    assert after.model().sha256 == "0" * 64
    assert after.path == tmp_path / "m.gguf"


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": ""},
        {"hub": '"a/b"', "package": '"p==1"', "package_sha256": f'"{"0" * 64}"'},
        {"package": '"p==1"'},
        {"package_sha256": f'"{"0" * 64}"'},
        {"kind": '"image"'},
        {"memory_mb": "-1"},
        {"name": '"../m"'},
    ],
)
def test_a_model_without_one_clear_origin_is_refused(tmp_path: Path, changes: dict[str, str]) -> None:
    """What ships has a digest; what is pulled has one source; a name is no path."""
    with pytest.raises(ModelFileRefused):
        load_manifest(manifest(tmp_path, **changes), tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", '{"m": "abc"}', '{"m": 5}'])
def test_recorded_digests_that_cannot_be_read_are_refused(tmp_path: Path, text: str) -> None:
    """A digest that is not known for sure is none."""
    (tmp_path / "digests.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelFileRefused):
        load_manifest(manifest(tmp_path, **HUB), tmp_path)


def test_what_ships_is_what_the_manifest_says() -> None:
    """Every shipped model file has its hash and a licence."""
    models = load_manifest(data_path("models/manifest.toml"), Path("none"))
    assert "embedded" in {model.name for model in models}
    for model in models:
        if isinstance(model.origin, Shipped):
            model.model().verify()
