"""A built wheel works from any folder: policies, models and migrations travel with it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

RUN = "from gateway.cli import main; main()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where no checkout is."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    target = folder / "installed"
    zipfile.ZipFile(next(folder.glob("*.whl"))).extractall(target)
    return target


def gateway(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line of the unpacked wheel, run in another folder."""
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_the_doctor_finds_everything_it_needs(installed: Path, tmp_path: Path) -> None:
    """Policies, pipeline, model and migrations come from the wheel, and every part of it starts."""
    upgraded = gateway(installed, tmp_path, "db", "upgrade")
    checked = gateway(installed, tmp_path, "doctor", "--json")

    assert upgraded.returncode == 0, upgraded.stderr
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (tmp_path / "var" / "gateway.db").exists()


def test_the_wheel_holds_no_tests_and_no_recipes(installed: Path) -> None:
    """What runs travels; what trains and tests does not."""
    names = {path.name for path in installed.iterdir()} | {path.name for path in (installed / "gateway").iterdir()}

    assert {"tests", "recipes", "requirements"}.isdisjoint(names)
    assert {"policies", "models", "migrations"} <= {path.name for path in (installed / "gateway" / "_data").iterdir()}
