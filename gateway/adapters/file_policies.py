"""The policy bundle of a directory: every `*.policy.yaml` and `*.exception.yaml` in it, together, or none of them, with
the index files in `indexes` below it.

A bundle loads whole or not at all. At the first start a problem is an exception; later the last good bundle stays in
force and `health` says so. Files are read once: what is judged, what is hashed and what comes into force are the same
bytes. Files of another name that end in `.yaml` or `.yml` are refused: a policy that nobody reads protects nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

from gateway.adapters.policy_exceptions import ReadException, read_exception
from gateway.adapters.policy_indexes import ANY_KEY, NO_INDEXES, FoundIndex, Indexes, read_indexes
from gateway.adapters.policy_reader import KNOWN_ENTITIES, Readable, Unreadable, read_policy
from gateway.adapters.strict_yaml import MAX_BYTES, PolicyError, shown
from gateway.domain.detectors import CustomDetector
from gateway.domain.exceptions import PolicyException
from gateway.domain.labels import Entity
from gateway.domain.policy import Bundle, Policy, Zone
from gateway.pipeline.ports import Health

POLICY_SUFFIX = ".policy.yaml"
TEST_SUFFIX = ".policy.test.yaml"
EXCEPTION_SUFFIX = ".exception.yaml"
_STALE = "The newest policy files could not be loaded. The last good bundle is in force."
_ANY_ZONE: Mapping[str, Zone] = MappingProxyType({})


class PolicyErrors(Exception):
    """The policy files cannot be loaded. `problems` is never empty."""

    def __init__(self, problems: Sequence[PolicyError]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The bytes of one file, read once."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Lint:
    """All that was said of a set of files."""

    errors: tuple[PolicyError, ...]
    warnings: tuple[PolicyError, ...]
    policies: tuple[Policy, ...]
    exceptions: tuple[PolicyException, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The files are those of the bundle in force."""


@dataclass(frozen=True, slots=True)
class Activated:
    """A new bundle is in force."""

    bundle: Bundle


@dataclass(frozen=True, slots=True)
class Rejected:
    """The files cannot be loaded; the last good bundle stays in force."""

    problems: tuple[PolicyError, ...]


Reload = Unchanged | Activated | Rejected


class FilePolicies:
    """The `PolicySource` of a directory. `entities` are those that some recogniser can report; `zones` those of the
    configured destinations, and a bundle that says otherwise of one is refused; `index_key` is the id of the key that
    the detector has for indexes.

    Raises `PolicyErrors` when the directory holds no bundle that loads.
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        entities: frozenset[Entity] = KNOWN_ENTITIES,
        zones: Mapping[str, Zone] = _ANY_ZONE,
        index_key: str = ANY_KEY,
    ) -> None:
        self._directory = Path(directory)
        self._entities = entities
        self._zones = zones
        self._index_key = index_key
        self._lock = threading.Lock()
        self._problems: tuple[PolicyError, ...] = ()
        self._files: tuple[SourceFile, ...] = ()
        self._bundle = self._read(read_files(self._directory), self._indexes(), revision=1)

    def current(self) -> Bundle:
        """The last good bundle."""
        return self._bundle

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """What the digest of the last good bundle is over (`digested`)."""
        return self._files

    def health(self) -> Health:
        """Not ok while the newest files could not be loaded and an older bundle is in force."""
        return Health(ok=not self._problems, detail=_STALE if self._problems else "")

    @property
    def problems(self) -> tuple[PolicyError, ...]:
        """What is wrong with the newest files; empty when they are in force."""
        return self._problems

    def reload(self) -> Reload:
        """Read the directory again. Blocks on the file system; safe to call from any thread."""
        with self._lock:
            try:
                files, indexes = read_files(self._directory), self._indexes()
                fresh = digest_of(files, indexes) != self._bundle.digest
                bundle = self._read(files, indexes, revision=self._bundle.revision + 1) if fresh else self._bundle
            except PolicyErrors as error:
                self._problems = error.problems
                return Rejected(error.problems)
            self._bundle, self._problems = bundle, ()
            return Activated(bundle) if fresh else Unchanged()

    def _indexes(self) -> Indexes:
        return read_indexes(self._directory, self._index_key)

    def _read(self, files: Sequence[SourceFile], indexes: Indexes, revision: int) -> Bundle:
        today = datetime.now(UTC).date()
        lint = lint_files(files, entities=self._entities, zones=self._zones, indexes=indexes, today=today)
        if lint.errors:
            raise PolicyErrors(lint.errors)
        self._files = digested(files, indexes)
        return bundle_of(lint, files, indexes, revision)


def bundle_of(lint: Lint, files: Iterable[SourceFile], indexes: Indexes, revision: int) -> Bundle:
    """The bundle of files in which no error was found."""
    digest = digest_of(files, indexes)
    return Bundle(policies=lint.policies, exceptions=lint.exceptions, digest=digest, revision=revision)


_BUNDLED = (POLICY_SUFFIX, EXCEPTION_SUFFIX)
_SUFFIXES = (*_BUNDLED, TEST_SUFFIX)


def read_files(directory: Path, *suffixes: str) -> tuple[SourceFile, ...]:
    """The files of a directory whose names end in one of `suffixes`, sorted by name: without any, those of a bundle.
    Hidden files are passed over.

    Raises `PolicyErrors` when there is none, when one cannot be read, or when a file's name leaves open what it is.
    """
    try:
        names = sorted(path.name for path in directory.iterdir() if not path.name.startswith("."))
        stray = [name for name in names if name.endswith((".yaml", ".yml")) and not name.endswith(_SUFFIXES)]
        files = tuple(_file(directory / name) for name in names if name.endswith(suffixes or _BUNDLED))
    except OSError as error:
        raise PolicyErrors([_whole(directory.name, "P004", f"cannot be read: {error.strerror}")]) from None
    if stray:
        message = f"a file that is none of *{', *'.join(_SUFFIXES)} would be ignored: rename or remove it"
        raise PolicyErrors([_whole(name, "P004", message) for name in stray])
    wanted = suffixes[0] if suffixes else POLICY_SUFFIX
    if not any(file.name.endswith(wanted) for file in files):
        raise PolicyErrors([_whole(directory.name, "P004", f"no file whose name ends in {wanted}")])
    return files


def _file(path: Path) -> SourceFile:
    with path.open("rb") as opened:
        return SourceFile(path.name, opened.read(MAX_BYTES + 1))


def digest_of(files: Iterable[SourceFile], indexes: Indexes = NO_INDEXES) -> str:
    """`sha256:<hex>` over names and bytes, in the order of names. Lengths keep one file's end from another's begin.

    An index counts with its own digest; what is no index changes nothing, since no bundle that names it loads.
    """
    whole = hashlib.sha256()
    for file in digested(files, indexes):
        for part in (file.name.encode(), file.data):
            whole.update(len(part).to_bytes(8, "big"))
            whole.update(part)
    return f"sha256:{whole.hexdigest()}"


def digested(files: Iterable[SourceFile], indexes: Indexes = NO_INDEXES) -> tuple[SourceFile, ...]:
    """What the digest of a bundle is over: its files, and of each index a file that holds the index's own digest."""
    read = [SourceFile(n, i.file.digest.encode()) for n, i in indexes.items() if isinstance(i, FoundIndex)]
    return tuple(sorted((*files, *read), key=lambda f: f.name))


def bundle_again(kept: Sequence[SourceFile], directory: Path) -> Bundle:
    """The bundle that `digested` files were, with those indexes of a directory that are still the same.

    Raises `PolicyErrors` for one that does not load here and now."""
    found = read_indexes(directory, ANY_KEY)
    indexes = {name: each for name, each in found.items() if set(digested((), {name: each})) & set(kept)}
    files = tuple(each for each in kept if each.name.endswith(_BUNDLED))
    lint = lint_files(files, indexes=indexes, today=datetime.now(UTC).date())
    if lint.errors:
        raise PolicyErrors(lint.errors)
    return bundle_of(lint, files, indexes, revision=1)


def lint_files(
    files: Sequence[SourceFile],
    *,
    today: date,
    entities: frozenset[Entity] = KNOWN_ENTITIES,
    zones: Mapping[str, Zone] = _ANY_ZONE,
    indexes: Indexes = NO_INDEXES,
) -> Lint:
    """Everything that is wrong with the files of a bundle, each by itself and together. `policies` and `exceptions`
    are those that read well."""
    written = [file for file in files if not file.name.endswith(EXCEPTION_SUFFIX)]
    read = [(file.name, read_policy(file.name, file.data, entities, today, indexes)) for file in written]
    good = [(name, result.policy) for name, result in read if isinstance(result, Readable)]
    errors = [e for _, result in read if isinstance(result, Unreadable) for e in result.errors]
    errors += [*_together(good), *_misplaced(good, zones)]
    policies = tuple(policy for _, policy in good)
    excepting = [
        (file.name, read_exception(file.name, file.data, policies, entities, today))
        for file in files
        if file.name.endswith(EXCEPTION_SUFFIX)
    ]
    told = [*_same_names(excepting), *(e for _, result in excepting for e in result.errors)]
    # What cannot be known while a policy is unreadable is not told: whether a rule or a name exists.
    errors += [e for e in told if not (errors and e.code in _OF_POLICIES)]
    warnings = [w for _, result in read for w in result.warnings] + [w for _, r in excepting for w in r.warnings]
    exceptions = tuple(exception for _, result in excepting for exception in result.exceptions)
    return Lint(tuple(sorted(errors)), tuple(sorted(warnings)), policies, exceptions)


_OF_POLICIES = frozenset({"P016", "P021", "P022"})


def _same_names(read: Iterable[tuple[str, ReadException]]) -> list[PolicyError]:
    """Exceptions of one name: their uses would be counted together."""
    names: dict[str, str] = {}
    every = [(file, exception.id) for file, result in read for exception in result.exceptions]
    return [
        _whole(file, "P002", f"{names[name]} already is the exception {shown(name)}")
        for file, name in every
        if names.setdefault(name, file) != file
    ]


def _together(policies: Sequence[tuple[str, Policy]]) -> list[PolicyError]:
    """What two files say against each other."""
    problems: list[PolicyError] = []
    names: dict[str, str] = {}
    detectors: dict[str, tuple[str, CustomDetector]] = {}
    zones: dict[str, tuple[str, Zone]] = {}
    for file, policy in policies:
        if names.setdefault(policy.name, file) != file:
            message = f"{names[policy.name]} already is the policy {shown(policy.name)}"
            problems.append(_whole(file, "P002", message))
        if policy.scale != policies[0][1].scale:
            problems.append(_whole(file, "P005", f"its labels are not those of {policies[0][0]}"))
        for detector in policy.own_detectors:
            first, same = detectors.setdefault(detector.id, (file, detector))
            if same != detector:
                problems.append(_whole(file, "P002", f"{first} defines the detector {shown(detector.id)} otherwise"))
        for name, ceiling in policy.ceilings.items():
            first, zone = zones.setdefault(name, (file, ceiling.zone))
            if zone is not ceiling.zone:
                problems.append(_whole(file, "P016", f"{first} puts the destination {shown(name)} in another zone"))
    return problems


def _misplaced(policies: Sequence[tuple[str, Policy]], zones: Mapping[str, Zone]) -> list[PolicyError]:
    """Destinations that the configuration puts in another zone than a policy."""
    return [
        _whole(file, "P016", f"the destination {shown(name)} is {ceiling.zone} here and {zones[name]} in gateway.yaml")
        for file, policy in policies
        for name, ceiling in policy.ceilings.items()
        if zones.get(name, ceiling.zone) is not ceiling.zone
    ]


def _whole(file: str, code: str, message: str) -> PolicyError:
    return PolicyError(file, 0, 0, code, message)
