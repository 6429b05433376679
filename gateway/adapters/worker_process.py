"""A child process that answers jobs: the one way in which heavy native code runs beside the event loop.

Parent and child exchange frames over the child's stdin and stdout: four bytes of length, then JSON. A job may be
answered by several frames; the last one says so. A child that dies fails its jobs with `WorkerDied` and is started
anew, at once the first time and with growing pauses when it keeps dying. Nothing here logs what a frame holds.

Frames to the child:   {"job": 7, "do": {...}} | {"cancel": 7}
Frames from the child: {"ready": {...}} first; then {"job": 7, "part": {...}} and, last, {"job": 7, "end": {...}}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import struct
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import cast

from gateway.domain.strict_json import Json

_LENGTH = struct.Struct(">I")
_MAX_FRAME = 256 * 1024 * 1024
_PAUSES = (0.0, 0.2, 1.0, 5.0, 15.0)
_LONG_LIFE_S = 10.0
"""A child that was ready for so long died of something else than its start: the next one comes at once."""

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
_QUIET = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}


class WorkerDied(Exception):
    """The child is not there: it died, could not start, or broke the protocol."""


@dataclass(frozen=True, slots=True)
class Part:
    """One frame of an answer that goes on."""

    value: Json


@dataclass(frozen=True, slots=True)
class End:
    """The last frame of an answer."""

    value: Json


class WorkerProcess:
    """One child, `python -m module arguments...`, kept alive between `start` and `stop`.

    `environment` is added to the few variables that a child inherits: no key or token of the parent reaches it.
    """

    def __init__(self, module: str, arguments: Sequence[str], environment: dict[str, str] | None = None) -> None:
        inherited = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment = {**inherited, **_QUIET, **(environment or {})}
        self._command = (sys.executable, "-m", module, *arguments)
        self._jobs: dict[int, asyncio.Queue[Part | End | None]] = {}
        self._next = 0
        self._child: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._settled = asyncio.Event()
        self._greeting: Json = None
        self._since = math.inf

    @property
    def ready(self) -> bool:
        """Whether the child answers jobs now."""
        return self._ready.is_set()

    @property
    def greeting(self) -> Json:
        """What the child said of itself when it became ready."""
        return self._greeting

    @property
    def pid(self) -> int:
        """The child's process id, 0 when there is none."""
        return self._child.pid if self._child is not None else 0

    @property
    def open_jobs(self) -> int:
        """How many jobs are not answered yet."""
        return len(self._jobs)

    def start(self) -> None:
        """Start the child and keep it alive. Returns at once; `wait_ready` waits."""
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def wait_ready(self, seconds: float) -> None:
        """Wait until the child is ready. Raises `WorkerDied` when its first start failed or took too long."""
        try:
            await asyncio.wait_for(self._settled.wait(), seconds)
        except TimeoutError:
            raise WorkerDied from None
        if not self.ready:
            raise WorkerDied

    async def until_ready(self) -> None:
        """Wait until the child answers jobs, through its next start if need be. The caller bounds the wait."""
        await self._ready.wait()

    async def stop(self) -> None:
        """End the child. Open jobs fail."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    async def ask(self, do: Json) -> AsyncGenerator[Part | End, None]:
        """The frames that answer one job, the last one an `End`. Closing the iterator early cancels the job."""
        if not self.ready:
            raise WorkerDied
        self._next += 1
        job = self._next
        inbox: asyncio.Queue[Part | End | None] = asyncio.Queue()
        self._jobs[job] = inbox
        ended = False
        try:
            await self._send({"job": job, "do": do})
            while not ended:
                frame = await inbox.get()
                if frame is None:
                    raise WorkerDied
                ended = isinstance(frame, End)
                yield frame
        finally:
            self._jobs.pop(job, None)
            if not ended and self.ready:
                with contextlib.suppress(WorkerDied):
                    await self._send({"cancel": job})

    async def ask_once(self, do: Json) -> Json:
        """The value of the last frame that answers a job."""
        async with contextlib.aclosing(self.ask(do)) as frames:
            async for frame in frames:
                if isinstance(frame, End):
                    return frame.value
        raise WorkerDied

    async def _send(self, message: dict[str, Json]) -> None:
        if self._child is None or self._child.stdin is None:
            raise WorkerDied
        data = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        try:
            self._child.stdin.write(_LENGTH.pack(len(data)) + data)
            await self._child.stdin.drain()
        except (ConnectionError, RuntimeError):
            raise WorkerDied from None

    async def _keep(self) -> None:
        deaths = 0
        while True:
            lived = await self._run_once()
            self._settled.set()
            deaths = 1 if lived >= _LONG_LIFE_S else deaths + 1
            await asyncio.sleep(_PAUSES[min(deaths - 1, len(_PAUSES) - 1)])

    async def _run_once(self) -> float:
        """Run one child until it ends. Returns how many seconds it was ready."""
        self._since = math.inf
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=None,
                env=self._environment,
            )
            async for message in _frames(self._child.stdout):
                self._deliver(message)
        except (OSError, ValueError, RecursionError):
            pass  # a child that cannot start or talks nonsense is a dead child
        finally:
            await self._bury()
        return asyncio.get_running_loop().time() - self._since

    def _deliver(self, message: dict[str, Json]) -> None:
        if "ready" in message:
            self._greeting = message["ready"]
            self._since = asyncio.get_running_loop().time()
            self._ready.set()
            self._settled.set()
            return
        job = message.get("job")
        inbox = self._jobs.get(job) if isinstance(job, int) else None
        if inbox is not None:
            inbox.put_nowait(End(message["end"]) if "end" in message else Part(message.get("part")))

    async def _bury(self) -> None:
        self._ready.clear()
        child, self._child = self._child, None
        try:
            if child is not None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await asyncio.shield(child.wait())
        finally:
            for inbox in self._jobs.values():
                inbox.put_nowait(None)


async def _frames(stream: asyncio.StreamReader | None) -> AsyncIterator[dict[str, Json]]:
    """The messages a child writes. Ends with the stream; raises `ValueError` for what is no frame."""
    if stream is None:
        return
    while True:
        try:
            size = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))[0]
            if size > _MAX_FRAME:
                raise ValueError("a frame is larger than any answer can be")
            message = json.loads(await stream.readexactly(size))
        except asyncio.IncompleteReadError:
            return
        if not isinstance(message, dict):
            raise ValueError("a frame is an object")  # noqa: TRY004 - the data is wrong, not a type
        yield cast("dict[str, Json]", message)
