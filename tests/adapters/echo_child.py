"""A child that does as each job says, for the tests of the process around it.

Run as `python -m tests.adapters.echo_child [MODE] [FILE]`. MODE is what happens before the first job: nothing, `never`
(it does not start), `silent` (it never becomes ready), `junk` (what is no frame), `once` (it dies unless FILE is there,
and makes FILE).
"""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import cast

from gateway.adapters.worker_child import Channel
from gateway.domain.strict_json import Json

JUNK = {
    "no-json": b"\x00\x00\x00\x04oops",
    "no-object": b"\x00\x00\x00\x02[]",
    "no-text": b"\x00\x00\x00\x02\xff\xfe",
    "too-large": b"\xff\xff\xff\xffxx",
    "too-deep": struct.pack(">I", 200_000) + b"[" * 200_000,
    "half": b"\x00\x00\x00\xff{",
}


class Child:
    """Answers jobs. `cancelled` are the jobs that the parent gave up."""

    def __init__(self, channel: Channel, raw: int) -> None:
        self._channel = channel
        self._raw = raw
        self._cancelled: list[Json] = []

    def serve(self) -> None:
        """Until the parent goes away."""
        for message in self._channel.messages():
            if "cancel" in message:
                self._cancelled.append(message["cancel"])
            else:
                self._do(cast("int", message["job"]), cast("dict[str, Json]", message["do"]))

    def _do(self, job: int, do: dict[str, Json]) -> None:
        match do:
            case {"echo": value}:
                self._channel.end(job, value)
            case {"count": int() as number, **more}:
                for at in range(number):
                    self._channel.part(job, at)
                if "open" not in more:
                    self._channel.end(job, number)
            case {"die": _}:
                self._channel.part(job, "dying")
                os._exit(7)
            case {"junk": str() as kind}:
                os.write(self._raw, JUNK[kind])
                if kind == "half":
                    os._exit(0)
            case {"stranger": _}:
                self._channel.end(job + 1000, "not for you")
                self._channel.end(job, "for you")
            case {"print": str() as text}:
                print(text, flush=True)
                self._channel.end(job, "printed")
            case {"environment": _}:
                self._channel.end(job, dict(os.environ))
            case {"cancelled": _}:
                self._channel.end(job, list(self._cancelled))
            case _:
                raise ValueError(json.dumps(do))


def main() -> None:
    """Start as the argument says, then answer."""
    mode, file = [*sys.argv[1:], "", ""][:2]
    if mode == "never":
        sys.exit(3)
    if mode == "once" and not Path(file).exists():
        Path(file).touch()
        sys.exit(3)
    raw = os.dup(1)
    if mode == "junk":
        os.write(raw, b"\xff" * 64)
    channel = Channel.of_this_process()
    if mode != "silent":
        channel.ready({"mode": mode})
    Child(channel, raw).serve()


if __name__ == "__main__":
    main()
