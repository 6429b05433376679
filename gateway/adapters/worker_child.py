"""The child's side of `worker_process`: frames in, frames out.

The protocol owns the process's original stdout; file descriptor 1 is pointed at stderr, so a library that prints cannot
break a frame.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO, cast

from gateway.domain.strict_json import Json

_LENGTH = struct.Struct(">I")


class Channel:
    """Reads jobs and cancellations, writes answers. Writing is safe from several threads."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()

    @classmethod
    def of_this_process(cls) -> Channel:
        """The channel to the parent that started this process."""
        sink = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        return cls(sys.stdin.buffer, sink)

    def messages(self) -> Iterator[dict[str, Json]]:
        """What the parent sends, until it goes away."""
        while True:
            head = self._source.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                return
            yield cast("dict[str, Json]", json.loads(self._source.read(_LENGTH.unpack(head)[0])))

    def ready(self, value: Json) -> None:
        """Say that jobs can be answered from now on."""
        self._write({"ready": value})

    def part(self, job: int, value: Json) -> None:
        """One frame of an answer that goes on."""
        self._write({"job": job, "part": value})

    def end(self, job: int, value: Json) -> None:
        """The last frame of an answer."""
        self._write({"job": job, "end": value})

    def _write(self, message: dict[str, Json]) -> None:
        data = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        with self._lock:
            self._sink.write(_LENGTH.pack(len(data)) + data)
