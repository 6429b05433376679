"""What the egress counts, for Prometheus. Labels are codes and configured names only."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class EgressMetrics:
    """Implements `pipeline.egress.EgressObserver` on a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._refused = Counter(
            "gateway_egress_refused", "What was not sent, by reason.", ["reason"], registry=self._registry
        )
        self._sent = Counter(
            "gateway_egress_sent",
            "Cleared requests that were sent.",
            ["destination", "result"],
            registry=self._registry,
        )
        self.open = Gauge("gateway_egress_open", "Requests that are open now.", registry=self._registry)

    def refused(self, reason: str) -> None:
        """Something was not sent."""
        self._refused.labels(reason).inc()

    def sent(self, destination: str, result: str) -> None:
        """Cleared bytes went out, and so the destination answered."""
        self._sent.labels(destination, result).inc()

    def render(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self._registry)
