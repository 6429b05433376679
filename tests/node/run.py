"""Run the Node clients against the stand-in provider and through a gateway in front of it: `python -m tests.node.run`.

The same tests must pass on both sides. The status is 0 when they do.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from gateway.testing.stand_in import CutOff, FailIn, Scene, StandIn, Status
from tests.conformance.house import PROVIDER_KEY, Side, gateway_for, stand_in

FOLDER = Path(__file__).resolve().parent
SCENES: dict[str, Scene] = {
    "busy": Status(429, code="rate_limit_exceeded", headers=(("retry-after", "7"),)),
    "down": Status(503),
    "fail": FailIn(after_events=5),
    "cut": CutOff(after_events=5),
}


@contextlib.contextmanager
def control(provider: StandIn) -> Iterator[str]:
    """A server at which the tests order a scene for the provider's next answer. Gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            scene = SCENES.get(self.path.removeprefix("/"))
            if scene is not None:
                provider.script(scene)
            self.send_response(404 if scene is None else 204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def run(side: Side, control_url: str) -> tuple[int, frozenset[str]]:
    """Run every test file on one side, one after another. Gives the status and the names of what passed."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith(("_proxy", "_api_key"))}
    environment = {**kept, "BASE_URL": side.base_url, "API_KEY": side.key, "CONTROL_URL": control_url}
    files = sorted(path.name for path in FOLDER.glob("*.test.mjs"))
    command = ["node", "--test", "--test-concurrency=1", "--test-reporter=tap", *files]
    ended = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        print(ended.stdout, ended.stderr, sep="\n")
    side.provider.unscript()
    passed = re.findall(r"^\s*ok \d+ - (.+)$", ended.stdout, re.MULTILINE)
    return ended.returncode, frozenset(f"{name} #{passed[:at].count(name) + 1}" for at, name in enumerate(passed))


def main() -> int:
    """Install, run both sides, compare."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("Node 20 or newer and npm are needed for these tests, and are not on the PATH.", file=sys.stderr)
        return 1
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER, check=True
    )
    with stand_in() as provider, control(provider) as url, tempfile.TemporaryDirectory() as folder:
        direct = run(Side("direct", provider.base_url, PROVIDER_KEY, provider), url)
        with gateway_for(Path(folder), provider) as side:
            through = run(side, url)
    print(f"directly {len(direct[1])} passed, through the gateway {len(through[1])} passed")
    for name in sorted(direct[1] ^ through[1]):
        print(f"only {'directly' if name in direct[1] else 'through the gateway'}: {name}")
    return int(direct[0] != 0 or through[0] != 0 or direct[1] != through[1] or not direct[1])


if __name__ == "__main__":
    sys.exit(main())
