"""The policy bundle in force, and how another one takes its place while requests are served.

    look        the signature of the folder (names, sizes, times): another one than before?
    settle      only what is the same at two looks is read, so a file that is being written is left alone
    read        all files, whole or not at all; what cannot be loaded is recorded, and the bundle in force stays
    number      the revision, the same in every process of a database; the files are kept with it
    record      `activated`, durable
    activate    from here on, new requests get the new bundle; a request in flight holds the one that it began with

So no decision is made under a bundle whose activation is not recorded. Each process watches for itself and writes its
own record: the chain of each writer says which bundle was in force from when. What fails on the way (the database, the
ledger) is tried again at every look, and `health` says so until it is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, assert_never

from gateway.adapters.file_policies import Activated, FilePolicies, Rejected, SourceFile, Unchanged
from gateway.adapters.policy_indexes import FOLDER, is_index_name
from gateway.adapters.strict_yaml import PolicyError
from gateway.domain.errors import GatewayFault
from gateway.domain.evidence import Event, EventKind
from gateway.domain.policy import Bundle
from gateway.pipeline.ports import Clock, Health, Ledger

EVERY_S = 0.5
"""Between two looks. A change waits for two of them at most before it is read."""
_MAX_UNSETTLED = 20
_MAX_LOGGED = 20

_WAITING = "The newest policy bundle waits for the database or the ledger. The last good bundle is in force."
_UNSETTLED = "The policy files keep changing. The last good bundle is in force."
_UNWATCHED = "The policy files cannot be watched. The last good bundle is in force."

_log = logging.getLogger("gateway.policies")

Signature = tuple[tuple[str, int, int, int, int], ...]
_NEVER: Signature = (("", 0, 0, 0, 0),)
"""The signature of no folder: what was read at the start may be older than the first look."""


class Revisions(Protocol):
    """Numbers bundles, and keeps their files."""

    async def of(self, digest: str, files: Sequence[SourceFile]) -> int:
        """The number of the bundle with this digest, from 1; its files are kept then. Raises `GatewayFault`."""
        ...


class PolicyObserver(Protocol):
    """Counts what becomes of changes."""

    def policies_read(self, result: str) -> None:
        """A bundle was `activated`, or files were `rejected`."""
        ...

    def policies_are(self, revision: int, *, stale: bool) -> None:
        """Which bundle is in force, and whether the newest files are not."""
        ...


class LivePolicies:
    """Implements `ports.PolicySource` over a folder that may change. For one event loop; `start` it before it serves.

    `folder` is the one that `files` reads.
    """

    def __init__(
        self,
        *,
        folder: Path,
        files: FilePolicies,
        revisions: Revisions,
        ledger: Ledger,
        clock: Clock,
        observer: PolicyObserver,
        every_s: float = EVERY_S,
    ) -> None:
        self._folder = folder
        self._files = files
        self._revisions = revisions
        self._ledger = ledger
        self._clock = clock
        self._observer = observer
        self._every = every_s
        self._bundle = files.current()
        self._read = _NEVER
        self._seen = _NEVER
        self._unsettled = 0
        self._owed: list[Event] = []
        self._fault = False
        self._asked = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    def current(self) -> Bundle:
        """The bundle in force."""
        return self._bundle

    def health(self) -> Health:
        """Not ok while the newest files are not in force, whatever keeps them from it."""
        if self._fault or (self._watching is not None and self._watching.done()):
            return Health(ok=False, detail=_UNWATCHED)
        if self._files.current().digest != self._bundle.digest or self._owed:
            return Health(ok=False, detail=_WAITING)
        if self._unsettled > _MAX_UNSETTLED:
            return Health(ok=False, detail=_UNSETTLED)
        return self._files.health()

    async def start(self) -> None:
        """Number and record the bundle that was loaded, then watch. Raises `GatewayFault` when that is not possible."""
        await self._activate()
        self._watching = asyncio.create_task(self._watch(), name="policies")

    async def stop(self) -> None:
        """Watch no longer."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None

    def ask(self) -> None:
        """Have the files read at once, settled or not. Call it in the event loop."""
        self._asked.set()

    async def look(self) -> None:
        """One look at the folder; the files are read when they have changed and settled."""
        signature = await asyncio.to_thread(signature_of, self._folder)
        settled, self._seen = signature == self._seen, signature
        if signature == self._read:
            self._unsettled = 0
            await self._finish()
        elif settled:
            await self._reload(signature)
        else:
            self._unsettled += 1

    async def reload(self) -> None:
        """Read the files now."""
        await self._reload(await asyncio.to_thread(signature_of, self._folder))

    async def _watch(self) -> None:
        while True:
            asked = await self._pause()
            try:
                await (self.reload() if asked else self.look())
                self._fault = False
            except Exception as error:  # noqa: BLE001 - the exception map: the last good bundle stays, health says so
                self._fault = True
                _log.error("the policy files cannot be watched", extra={"fields": {"fault": type(error).__name__}})
            self._observer.policies_are(self._bundle.revision, stale=not self.health().ok)

    async def _pause(self) -> bool:
        """Until the next look, or until somebody asks: then true."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self._asked.wait()
        asked = self._asked.is_set()
        self._asked.clear()
        return asked

    async def _reload(self, signature: Signature) -> None:
        """Read the files. `signature` is older than what is read: a change while they are read is seen at the next
        look."""
        result = await asyncio.to_thread(self._files.reload)
        self._read, self._unsettled = signature, 0
        match result:
            case Rejected(problems=problems):
                self._reject(problems)
            case Activated() | Unchanged():
                pass
            case _:
                assert_never(result)
        await self._finish()

    def _reject(self, problems: Sequence[PolicyError]) -> None:
        """Tell of files that cannot be loaded. Where and which code, not the message: it may quote the file."""
        self._observer.policies_read("rejected")
        places = [f"{each.file}:{each.line}:{each.column} {each.code}" for each in problems[:_MAX_LOGGED]]
        about = {"problems": places, "count": len(problems), "in_force": self._bundle.digest}
        _log.error("policy files rejected; the last good bundle stays in force", extra={"fields": about})
        self._owed.append(self._event("rejected", self._bundle.digest))

    async def _finish(self) -> None:
        """What is still to be recorded, and the newest good bundle into force; what fails is left for the next look."""
        try:
            while self._owed:
                await self._ledger.append(self._owed[0])
                del self._owed[0]
            if self._files.current().digest != self._bundle.digest:
                await self._activate()
        except GatewayFault:
            _log.error("a change of the policies cannot be recorded; it is tried again")

    async def _activate(self) -> None:
        fresh = self._files.current()
        numbered = replace(fresh, revision=await self._revisions.of(fresh.digest, self._files.files))
        await self._ledger.append(self._event("activated", fresh.digest))
        self._bundle = numbered
        self._observer.policies_read("activated")
        self._observer.policies_are(numbered.revision, stale=not self.health().ok)
        about = {"revision": numbered.revision, "digest": numbered.digest}
        _log.info("policies activated", extra={"fields": about})

    def _event(self, action: str, subject: str) -> Event:
        return Event(kind=EventKind.POLICY, at=self._clock.now(), action=action, subject=subject)


def signature_of(folder: Path) -> Signature:
    """What tells that files have changed without reading them: name, inode, size, time written, time changed. Indexes
    count with the policies.

    Links are followed, so a volume that swaps a link to a whole new folder has another signature. What cannot be looked
    at counts as a file without size, and is told of when the files are read. Blocks on the file system.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if _is_yaml(path.name))
    except OSError as error:
        return (("", -1, -1, error.errno or 0, -1),)
    return tuple((name, *_stat(folder / name)) for name in (*names, *_indexes(folder)))


def _indexes(folder: Path) -> list[str]:
    try:
        found = sorted(path.name for path in (folder / FOLDER).iterdir() if is_index_name(path.name))
    except OSError:
        return []
    return [f"{FOLDER}/{name}" for name in found]


def _is_yaml(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) and not name.startswith(".")


def _stat(path: Path) -> tuple[int, int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        return -1, -1, error.errno or 0, -1
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
