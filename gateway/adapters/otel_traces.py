"""Traces for OpenTelemetry: one trace a request, with its stages, in the words of the GenAI conventions.

The SDK reads its standard variables itself (collector, headers, certificate, sampler); `gateway.watching` says when it
is wanted. A span holds times, codes, counts and configured names; a model's name only where the ledger would show it;
no text of a request, nothing of its headers.

Spans are made from what the story tells when a stage is over, so no request waits for one. What cannot be exported is
dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from gateway import __version__
from gateway.domain.conversation import Operation
from gateway.domain.evidence import Decided, Outcome, Result, Route
from gateway.domain.shown_names import shown_model

_NANOSECONDS = 1000
_MOST_OPEN = 10_000
_OPERATIONS: Mapping[str, str] = {
    Operation.CHAT: "chat",
    Operation.RESPONSES: "chat",
    Operation.MESSAGES: "chat",
    Operation.COMPLETIONS: "text_completion",
    Operation.EMBEDDINGS: "embeddings",
}
"""The conventions' names of operations; others keep the gateway's own."""
_BROKEN = frozenset({Result.FAILED, Result.REJECTED, Result.WITHHELD})


@dataclass(frozen=True, slots=True)
class _Open:
    """A trace whose request goes on. `sent` is when the answering began, in microseconds."""

    root: Span
    sent: int


class OtelTraces:
    """Implements `ports.Observer`. `stop` exports what is left."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        name = environment.get("OTEL_SERVICE_NAME") or "privacy-gateway"
        resource = Resource.create({"service.name": name, "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("gateway", __version__)
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def stop(self) -> None:
        """Export what is left, and end. Blocks."""
        self._provider.shutdown()

    def decided(self, evidence: Decided, stages: Mapping[str, int]) -> None:
        """The spans of what was done so far. A refused request ends here."""
        at = evidence.at - next(iter(stages.values()), 0)  # `evidence.at` is when the first stage ended
        root = self._span(f"gateway {evidence.operation}", SpanKind.SERVER, at, _of_decision(evidence))
        for stage, microseconds in stages.items():
            child = self._span(f"gateway {stage}", SpanKind.INTERNAL, at, {}, within=root)
            at += microseconds
            child.end(at * _NANOSECONDS)
        if evidence.route is Route.BLOCKED:
            root.end(at * _NANOSECONDS)
            return
        self._open[evidence.decision_id] = _Open(root, at)
        while len(self._open) > _MOST_OPEN:  # else a request that never ended would be kept for ever
            self._open.popitem(last=False)

    def ended(self, evidence: Decided, outcome: Outcome) -> None:
        """The span of the answering, and the end of the whole."""
        known = self._open.pop(evidence.decision_id, None)
        if known is None:
            return
        name = f"{_operation(evidence)} {shown_model(evidence)}".rstrip()
        answering = self._span(name, SpanKind.CLIENT, known.sent, _of_answer(evidence, outcome), within=known.root)
        for span in (answering, known.root):
            if outcome.result in _BROKEN:
                span.set_status(Status(StatusCode.ERROR))
            span.end(max(known.sent, outcome.at) * _NANOSECONDS)

    def _span(
        self, name: str, kind: SpanKind, at: int, attributes: Mapping[str, AttributeValue], within: Span | None = None
    ) -> Span:
        context = set_span_in_context(within) if within else Context()
        return self._tracer.start_span(name, context, kind, attributes, start_time=at * _NANOSECONDS)


def _operation(evidence: Decided) -> str:
    return _OPERATIONS.get(evidence.operation, evidence.operation)


def _of_decision(evidence: Decided) -> dict[str, AttributeValue]:
    return {
        "gateway.decision.id": evidence.decision_id,
        "gateway.app": evidence.app,
        "gateway.operation": evidence.operation,
        "gateway.route": evidence.route.value,
        "gateway.reason": evidence.policy.reason,
        "gateway.label": evidence.label,
        "gateway.classes": sorted(each.value for each in evidence.classes),
        "gateway.policy.digest": evidence.policy.digest,
        "gateway.texts": evidence.leaves,
        "gateway.texts.failed": evidence.failed,
    }


def _of_answer(evidence: Decided, outcome: Outcome) -> dict[str, AttributeValue]:
    model, broken = shown_model(evidence), outcome.result in _BROKEN
    return {
        "gen_ai.operation.name": _operation(evidence),
        "gen_ai.provider.name": evidence.destination,
        "gen_ai.usage.input_tokens": outcome.prompt_tokens,
        "gen_ai.usage.output_tokens": outcome.completion_tokens,
        "gateway.result": outcome.result.value,
        "http.response.status_code": outcome.status,
        **({"gen_ai.request.model": model} if model else {}),
        **({"error.type": outcome.result.value} if broken else {}),
    }
