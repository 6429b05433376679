"""`gateway serve` as a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GATEWAY = str(Path(sys.executable).parent / "gateway")


@dataclass(frozen=True)
class Served:
    """A running `gateway serve`."""

    process: subprocess.Popen[str]
    base_url: str
    key: str
    told: str


def config(folder: Path, provider: str, more: str = "") -> Path:
    """A configuration with one provider on loopback and everything written below `folder`."""
    path = folder / "gateway.yaml"
    path.write_text(
        f"server: {{port: 0}}\n"
        f"database: {{url: 'sqlite:///{folder}/gateway.db'}}\n"
        f"ledger: {{key_file: '{folder}/ledger.key', append_deadline_ms: 2000}}\n"
        "destinations:\n"
        f"  openai: {{zone: external, adapter: openai, base_url: '{provider}', api_key_env: STAND_IN_KEY}}\n"
        "  local-slm: {zone: in_network, adapter: llama_cpp}\n"
        "models: {'gpt-*': {external: openai, local: local-slm}}\n" + more
    )
    return path


def _end(process: subprocess.Popen[str]) -> None:
    """Ask it to stop, so that it writes its last lines; make it stop when it does not."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def served(folder: Path, provider: str, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Served]:
    """Start, wait until it listens, and end it in any case. Its stderr goes to `folder/stderr`."""
    command = [GATEWAY, "serve", "--config", str(config(folder, provider)), *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    with (folder / "stderr").open("w") as stderr:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=folder,
            env={**inherited, "STAND_IN_KEY": "provider-key-canary", **(environment or {})},
        )
        told = []
        for line in process.stdout or ():
            told.append(line)
            if line.startswith("Try it"):
                break
        text = "".join(told)
        try:
            url = re.findall(r"listening on (\S+)", text)
            key = re.findall(r"shown this once: (\S+)", text)
            yield Served(process, url[0] if url else "", key[0] if key else "", text)
        finally:
            _end(process)
            if process.stdout:
                process.stdout.close()
