"""The import contracts hold, and each of them breaks on a deliberate bad import."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

BAD = {
    "the wire sees an adapter": ("gateway/wire/models.py", "import gateway.adapters.worker_process"),
    "the domain sees the pipeline": ("gateway/domain/alias.py", "import gateway.pipeline.ports"),
    "the pipeline mints": ("gateway/pipeline/story.py", "import gateway.domain._mint"),
    "an adapter seals": ("gateway/adapters/worker_process.py", "import gateway.domain._seal"),
    "the wire issues receipts": ("gateway/wire/models.py", "import gateway.domain._receipt"),
    "a part asks for the whole": ("gateway/parts.py", "import gateway.main"),
    "the composition mints": ("gateway/destinations.py", "import gateway.domain._mint"),
    "an adapter admits what was sealed": ("gateway/adapters/clearance_seals.py", "import gateway.domain._admit"),
    "the egress decides": ("gateway/egress.py", "import gateway.domain.decision"),
    "an adapter reads the settings": ("gateway/adapters/worker_process.py", "import gateway.settings"),
    "the domain reads the clock": ("gateway/domain/alias.py", "import time"),
    "the domain imports a library": ("gateway/domain/alias.py", "import yaml"),
    "the pipeline opens connections": ("gateway/pipeline/story.py", "import httpx"),
    "a ledger calls a provider": ("gateway/adapters/sql_keys.py", "import httpx"),
    "the wire counts requests itself": ("gateway/wire/models.py", "import limits"),
    "the verifier shares code": ("gateway/verifier/formats.py", "import gateway.domain.merkle"),
    "the console reads the database": ("gateway/console/overview.py", "import sqlalchemy"),
    "a door reads the database": ("gateway/adapters/openai_external.py", "import sqlalchemy"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a copy of the package."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder), "PATH": ""}
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and its contracts."""
    shutil.copytree(REPOSITORY / "gateway", tmp_path / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    """All kept."""
    result = lint(copy)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("what", sorted(BAD))
def test_a_bad_import_breaks_a_contract(copy: Path, what: str) -> None:
    """None of the contracts is vacuous."""
    name, line = BAD[what]
    path = copy / name
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")

    assert lint(copy).returncode == 1
