"""The composition root: settings -> adapters -> pipeline -> application. The only file that imports everything."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import threading
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from gateway import logs
from gateway.adapters import database
from gateway.adapters.database import DatabaseUnfit
from gateway.adapters.file_policies import PolicyErrors
from gateway.adapters.ledger_key import LedgerKey, LedgerKeyError
from gateway.adapters.litellm_quiet import NotQuiet
from gateway.adapters.model_manifest import ModelFileRefused
from gateway.adapters.openai_external import OpenAiExternal
from gateway.adapters.policy_watch import LivePolicies
from gateway.adapters.presidio_anonymizer import PresidioAnonymizer
from gateway.adapters.presidio_detector import PresidioDetector
from gateway.adapters.prometheus_metrics import PrometheusMetrics
from gateway.adapters.rounds import Rounds
from gateway.adapters.sql_accounts import Invitation, SqlAccounts
from gateway.adapters.sql_exceptions import SqlExceptions
from gateway.adapters.sql_keys import SqlKeys
from gateway.adapters.sql_policies import SqlRevisions
from gateway.adapters.tiktoken_tokens import TiktokenTokens, vocabulary_file
from gateway.adapters.zone import OutsideZone
from gateway.clock import SystemClock
from gateway.console.app import PATH as CONSOLE
from gateway.console.app import create_console
from gateway.console_host import console_parts, sampling_of
from gateway.destinations import Inside, StartedDoor, aliases_of, doors_of, local_models
from gateway.domain.alias import Alias, resolve
from gateway.domain.decision import Masking
from gateway.domain.declaration import with_extra_fields
from gateway.domain.errors import GatewayError
from gateway.ledger import ledger_of, verification_of
from gateway.parts import counters_of, detector_of, policies_folder, policies_of, prices_of, quotas_of
from gateway.pipeline.canary import Canary
from gateway.pipeline.catalogue import Catalogue
from gateway.pipeline.costs import Costing
from gateway.pipeline.excepting import Decider
from gateway.pipeline.limiting import Limiter
from gateway.pipeline.observing import CountingLedger, Observers
from gateway.pipeline.ports import ExternalModel, Health, Ledger, LocalModel, Observer
from gateway.pipeline.reading import Declarations, RequestReader
from gateway.pipeline.recording import Asked
from gateway.pipeline.story import Reply, Story
from gateway.process import hand_over_sooner, settle
from gateway.settings import ConfigError, Settings, find_config, load
from gateway.settings import LitellmExternal as LitellmSettings
from gateway.settings import OpenAiExternal as OpenAiSettings
from gateway.watching import CanaryStage, Watched, canary_of, traces_of, watch
from gateway.wire.app import PATHS, Parts, create_app
from gateway.wire.auth import Authenticator
from gateway.wire.endpoint import Endpoint, Limits
from gateway.wire.health import HealthCheck
from gateway.wire.schema import OPERATIONS
from gateway.wire.tokens import decoded

DECLARATIONS = {operation: OPERATIONS[f"POST {path}"] for path, operation in PATHS.items()}
FACTORY = "gateway.main:application"


class StartError(Exception):
    """A part cannot start. The message says which, and how to mend it; it holds no secret."""


class Gateway:
    """Everything that one process runs. Build with `build`, then `start`, serve `app`, `stop`."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = environment
        self._clock = SystemClock()
        self._leaving = False
        self._metrics = PrometheusMetrics()
        files = policies_of(settings)
        self._engine = database.open_database(settings.database.url.get_secret_value())
        self._key = LedgerKey.load(settings.ledger.key_file)
        self._ledger = ledger_of(settings.ledger, self._engine, self._key, self._clock, self._metrics.ledger)
        self._verification = verification_of(settings.ledger, self._engine, self._key, self._ledger, self._clock)
        self._verifying = Rounds("ledger verification", self._verification.look)
        self._rounds = [self._verifying]
        self._policies = LivePolicies(
            folder=policies_folder(settings),
            files=files,
            revisions=SqlRevisions(self._engine),
            ledger=self._ledger,
            clock=self._clock,
            observer=self._metrics,
        )
        self._keys = SqlKeys(self._engine, self._clock)
        self._detector = detector_of(settings)
        self._externals, self.notices = doors_of(settings, environment, self._key, self._clock)
        self._locals = local_models(settings, environment)
        self._aliases = aliases_of(settings, self._externals)
        self._counters = counters_of(settings, environment)
        self._limiter = Limiter(quotas_of(settings), self._counters, self._metrics)
        self._appends = CountingLedger(self._ledger)
        self._traces = traces_of(environment)
        self._story = self._build_story(
            self._externals, self._locals, self._appends, Observers((self._metrics, *self._traces))
        )
        self._canary = self._build_canary()
        self.app: ASGIApp = create_app(self._parts(), self._lifespan)

    async def start(self) -> None:
        """Bring every part up. Raises `StartError`; what had started is stopped again."""
        hand_over_sooner()
        try:
            await asyncio.to_thread(database.upgrade, self._engine)
            await self._ledger.start()
            await asyncio.gather(*(part.start() for part in self._startable()))
            await self._policies.start()
            self._canary.start()
            for each in self._rounds:
                each.start()
            self._reload_on_hangup()
        except (GatewayError, ModelFileRefused, DatabaseUnfit, NotQuiet, OutsideZone) as error:
            await self.stop()
            raise StartError(_explain(error)) from None

    def leave(self) -> None:
        """Be ready no longer: what balances requests looks away, while they are still answered."""
        self._leaving = True

    async def stop(self) -> None:
        """Finish recording, then end every part."""
        await self._policies.stop()
        for each in self._rounds:
            await each.stop()
        await self._canary.stop()
        await self._story.drain()
        closing = [model.aclose() for model in self._externals.values()]
        await asyncio.gather(self._detector.stop(), *(model.stop() for model in self._locals.values()), *closing)
        await self._counters.aclose()
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in self._traces))
        await self._ledger.close()
        self._engine.dispose()

    async def answer(self, asked: Asked) -> Reply:
        """The reply to a request of whoever runs this process: no key, no limits, and everything else as ever."""
        return await self._story.answer(asked)

    def leads_to(self, model: str) -> Alias:
        """Where a model may go, as this process is set up. Raises `CallerError` for one that nobody configured."""
        return resolve(self._aliases, model)

    async def first_key(self) -> str:
        """A new API key when there is none at all, else an empty string. Shown once, never again."""
        return await self._keys.ensure_first_key(self._ledger) if self._settings.auth.required else ""

    async def first_invitation(self) -> Invitation | None:
        """The invitation of the console's first administrator, while nobody has accepted one and it can be recorded."""
        with contextlib.suppress(GatewayError):
            if self._settings.console.enabled:
                return await SqlAccounts(self._engine, self._clock).first_invitation(self._ledger)
        return None

    def _reload_on_hangup(self) -> None:
        """SIGHUP reads the policies at once. Only a process's main thread hears of signals."""
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._policies.ask)

    def _startable(self) -> list[PresidioDetector | Inside | StartedDoor]:
        doors = [model for model in self._externals.values() if not isinstance(model, OpenAiExternal)]
        return [self._detector, *self._locals.values(), *doors]

    def _build_story(
        self,
        externals: Mapping[str, ExternalModel],
        locals_: Mapping[str, LocalModel],
        ledger: Ledger,
        observer: Observer,
    ) -> Story:
        reader = RequestReader(
            declarations=_declarations(self._settings),
            aliases=self._aliases,
            externals=externals,
            locals_=locals_,
            decoder=functools.partial(decoded, tokenizer=TiktokenTokens(vocabulary_file())),
        )
        return Story(
            reader=reader,
            detector=self._detector,
            ledger=ledger,
            policies=self._policies,
            externals=externals,
            locals_=locals_,
            decider=Decider(self._masking(), SqlExceptions(self._engine)),
            costing=Costing(prices_of(self._settings)),
            clock=self._clock,
            observer=observer,
        )

    def _build_canary(self) -> Canary:
        """It asks a story like the one that answers callers, whose ends are not counted among theirs."""
        stage = CanaryStage(
            aliases=self._aliases,
            externals=self._externals,
            locals_=self._locals,
            policies=self._policies,
            story=functools.partial(self._build_story, ledger=self._ledger, observer=Observers()),
        )
        return canary_of(self._settings.canary, stage, self._clock, self._metrics.canary)

    def _masking(self) -> Masking:
        """Placeholders and hashes are keyed by the ledger's key, so they stay the same after a restart."""
        secret = self._key.derived_secret(b"placeholders")
        return Masking(secret, PresidioAnonymizer(self._key.derived_secret(b"hashes")))

    def _parts(self) -> Parts:
        server = self._settings.server
        auth = Authenticator(self._keys, required=self._settings.auth.required)
        limits = Limits(server.max_body_bytes, server.body_timeout_s, server.max_in_flight, server.max_in_flight_bytes)
        endpoint = Endpoint(self._story, auth, limits, self._limiter)
        self._watch(endpoint)
        checks = self._health_checks()
        return Parts(
            endpoint=endpoint,
            auth=auth,
            policies=self._policies,
            models=Catalogue(self._aliases, {**self._externals, **self._locals}, self._clock).names,
            health=checks,
            metrics=self._scrape,
            mounted=self._console(checks),
        )

    def _console(self, checks: Mapping[str, HealthCheck]) -> Mapping[str, ASGIApp]:
        """The console, where this gateway serves it."""
        if not self._settings.console.enabled:
            return {}
        parts = console_parts(
            settings=self._settings,
            environment=self._environment,
            engine=self._engine,
            key=self._key,
            ledger=self._ledger,
            clock=self._clock,
            policies=self._policies,
            health=checks,
            verify_soon=self._verifying.hurry,
        )
        self._rounds += sampling_of(parts, lambda: self._ledger.leads)
        return {CONSOLE: create_console(parts)}

    def _watch(self, endpoint: Endpoint) -> None:
        parts = Watched(
            endpoint=endpoint,
            detector=self._detector,
            ledger=self._ledger,
            verification=self._verification,
            appends=self._appends,
            policies=self._policies,
            locals_=self._locals,
        )
        watch(self._metrics, parts)

    async def _scrape(self) -> bytes:
        for name, check in self._health_checks().items():
            self._metrics.part_is(name, ok=(await check()).ok)
        return self._metrics.render()

    def _health_checks(self) -> dict[str, HealthCheck]:
        async def policies() -> Health:
            return self._policies.health()

        async def serving() -> Health:
            return Health(not self._leaving, "this process is about to stop" if self._leaving else "")

        checks: dict[str, HealthCheck] = {
            "serving": serving,
            "ledger": self._ledger.health,
            "detector": self._detector.health,
            "policies": policies,
            "limits": self._counters.health,
            "canary": self._canary.health,
        }
        models: dict[str, ExternalModel | LocalModel] = {**self._externals, **self._locals}
        return checks | {f"destination:{name}": model.health for name, model in models.items()}

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncGenerator[None, None]:
        await self.start()
        settle()
        try:
            yield
        finally:
            await self.stop()


def build(settings: Settings, environment: Mapping[str, str]) -> Gateway:
    """A gateway of these settings, not started. Raises `ConfigError` and `StartError`."""
    try:
        return Gateway(settings, environment)
    except PolicyErrors as error:
        raise ConfigError(f"the policies cannot be loaded:\n{error}") from None
    except (ModelFileRefused, DatabaseUnfit, LedgerKeyError, ValueError, FileNotFoundError) as error:
        raise StartError(_explain(error)) from None


def application() -> ASGIApp:
    """The application of one of several worker processes: settings from `$GATEWAY_CONFIG` and the environment."""
    logs.configure()
    return build(load(find_config("", os.environ, Path.cwd()), os.environ), os.environ).app


def _declarations(settings: Settings) -> Declarations:
    """What each operation may hold, for each destination: some allow fields outside the dialect."""
    extra = {
        name: frozenset(destination.extra_fields)
        for name, destination in settings.destinations.items()
        if isinstance(destination, OpenAiSettings | LitellmSettings) and destination.extra_fields
    }
    widened = {
        (operation, name): with_extra_fields(declaration, names)
        for name, names in extra.items()
        for operation, declaration in DECLARATIONS.items()
    }
    return lambda operation, destination: widened.get((operation, destination), DECLARATIONS[operation])


def _explain(error: Exception) -> str:
    return error.text.message if isinstance(error, GatewayError) else str(error)
