"""The install steps of the Dockerfile, run in a clean virtual environment: `python -m tests.image.install_steps`.

For machines without a container engine. The steps are read out of the Dockerfile, so they are the ones that an image
is made by; only where they install to is another place. A wheel of llama.cpp that `make` has compiled (in the folder
`$WHEELS`) is used when there is one, else it is compiled. Then the installed gateway is started from an empty folder in
a network namespace of its own, where there is nothing to download from.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import REPOSITORY

WHEELS = Path(os.environ.get("WHEELS", ""))
_COMPILE = re.compile(r"CMAKE_ARGS=\"\$CMAKE_ARGS\" pip install [^&]*llama\.txt")
_OFFLINE = ["unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]


def steps(dockerfile: str) -> Iterator[str]:
    """The RUN instructions of the build stage that install something of Python's."""
    stage = dockerfile.split("\nFROM ")[1]
    for line in stage.replace("\\\n", " ").splitlines():
        if line.startswith("RUN pip "):
            yield re.sub(r" +", " ", line.removeprefix("RUN "))


def copied(folder: Path) -> None:
    """What the builder gets to see: the paths that .dockerignore lets in."""
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = REPOSITORY / line[1:]
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / line[1:])


def main() -> int:
    """Install, then start offline. The exit status of the start."""
    with tempfile.TemporaryDirectory() as name:
        work, venv = Path(name) / "src", Path(name) / "venv"
        work.mkdir()
        copied(work)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        environment = {
            **os.environ,
            "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        environment.pop("PYTHONPATH", None)
        for step in steps((REPOSITORY / "Dockerfile").read_text()):
            ready = sorted(WHEELS.rglob("llama_cpp_python*.whl")) if WHEELS.name else []
            mine = _COMPILE.sub(f"pip install --no-deps {ready[-1]}", step) if ready else step
            print(f"$ {mine}", flush=True)
            here = mine.replace("/opt/gateway", str(venv))
            subprocess.run(["sh", "-eu", "-c", here], cwd=work, env=environment, check=True)
        empty = Path(name) / "empty"
        empty.mkdir()
        start = ["sh", "-c", "gateway db upgrade && exec gateway doctor"]
        started = subprocess.run([*_OFFLINE, *start], cwd=empty, env=environment, check=False)
        return started.returncode


if __name__ == "__main__":
    sys.exit(main())
