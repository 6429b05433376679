"""Traces: what reaches a collector is times, codes and names, in the GenAI words, and no text of a request."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.adapters.otel_traces import OtelTraces
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.evidence import Result, Route
from gateway.testing.playbook import Playbook
from gateway.watching import traces_of
from tests.domain.build import chat
from tests.evidence import decided, outcome
from tests.pipeline.test_story import Stage
from tests.wire.parts import Front

CANARY = "canary-7731"


class Collector:
    """A real OTLP receiver on loopback."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        keep = self.bodies

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                keep.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def spans(self) -> dict[str, Span]:
        """What arrived, by name."""
        told: dict[str, Span] = {}
        for body in self.bodies:
            request = ExportTraceServiceRequest.FromString(body)
            told |= {s.name: s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans}
        return told


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the standard variable names."""
    made = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{made.server.server_port}")
    yield made
    made.server.shutdown()
    made.server.server_close()


def attributes(span: Span) -> dict[str, object]:
    """Names and values."""
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


async def test_a_request_is_one_trace_in_the_words_of_the_conventions(collector: Collector) -> None:
    """The stages and the answering under one root, with the decision's id, its codes and the tokens."""
    traces = OtelTraces({})
    front = Front(stage=Stage(Playbook(), observer=traces))  # type: ignore[arg-type]
    async with front.client() as caller:
        reply = await caller.post("/v1/chat/completions", json=chat("hello"))
    await front.stage.pipeline.drain()
    traces.stop()

    spans = collector.spans
    root, sent = spans["gateway chat"], spans["chat gpt-x"]
    assert {"gateway chat", "gateway detect", "gateway decide", "gateway record", "chat gpt-x"} == set(spans)
    assert {root.span_id} == {span.parent_span_id for span in spans.values()} - {b""}
    assert 1 == len({span.trace_id for span in spans.values()})
    assert reply.headers["x-gateway-decision-id"] == attributes(root)["gateway.decision.id"]
    told = attributes(sent)
    assert ("chat", "openai", "gpt-x") == tuple(
        told[f"gen_ai.{name}"] for name in ("operation.name", "provider.name", "request.model")
    )
    assert {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"} < set(told)
    assert Span.SPAN_KIND_CLIENT == sent.kind
    assert root.start_time_unix_nano <= sent.start_time_unix_nano <= sent.end_time_unix_nano == root.end_time_unix_nano


async def test_no_byte_of_a_request_or_answer_is_exported(collector: Collector) -> None:
    """Whatever the caller chose: texts, names, model, header, and what became of it: sent, masked, inside, broken."""
    traces = OtelTraces({})
    stage = Stage(Playbook(), observer=traces)  # type: ignore[arg-type]
    stage.local.answer = CANARY
    stage.external.script(UpstreamError(ErrorCode.UPSTREAM_ERROR))
    async with Front(stage=stage).client(**{"x-gateway-purpose": CANARY, "user-agent": CANARY}) as caller:
        for text in ("hello", "a@b.example", "078-05-1120", "sk-canary"):
            body = chat(
                f"{text} {CANARY}", model=f"gpt-{CANARY}-4111111111111111", user=CANARY, metadata={CANARY: CANARY}
            )
            await caller.post("/v1/chat/completions", content=json.dumps(body), headers={"traceparent": CANARY})
    await stage.pipeline.drain()
    traces.stop()

    exported = b"".join(collector.bodies)
    assert 4 == exported.count(b"gateway.decision.id")
    assert CANARY.encode() not in exported
    assert b"4111" not in exported
    assert b"a@b.example" not in exported


def test_a_failure_is_marked_and_a_refusal_ends_at_once(collector: Collector) -> None:
    """What was refused has no outcome to wait for."""
    traces = OtelTraces({"OTEL_SERVICE_NAME": "gw-eu"})
    broken = decided(operation="embeddings")
    traces.decided(broken, {"detect": 10, "decide": 10, "record": 10})
    traces.ended(broken, outcome(broken.decision_id, result=Result.FAILED, status=502))
    traces.decided(decided(route=Route.BLOCKED, destination="", status=403, operation="messages"), {"detect": 10})
    traces.ended(decided(), outcome("never seen"))
    traces.stop()

    spans = collector.spans
    assert Status.STATUS_CODE_ERROR == spans["embeddings gpt-4o-2024-08-06"].status.code
    assert "failed" == attributes(spans["embeddings gpt-4o-2024-08-06"])["error.type"]
    assert "gateway messages" in spans
    assert b"gw-eu" in b"".join(collector.bodies)


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_tracing_is_asked_for(environment: dict[str, str], on: bool) -> None:
    """By the standard variables, and by nothing else."""
    traces = traces_of(environment)
    for each in traces:
        each.stop()

    assert on is bool(traces)
