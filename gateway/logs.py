"""JSON logs to stderr: one object a line, with the logger's own words and no text of a request."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_FOREIGN = {
    "asyncio": "a task failed unexpectedly",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter": "traces cannot be exported",
    "opentelemetry.sdk._shared_internal": "traces cannot be exported",
}
"""What is said for loggers whose own messages quote exceptions, or what a collector answered."""


class _JsonLines(logging.Formatter):
    """Formats a record without its arguments' tracebacks: an exception's message may hold text, its type does not."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _FOREIGN.get(record.name) or record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["fault"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


def configure(level: int = logging.INFO) -> None:
    """Send this process's logs to stderr as JSON lines; the libraries' own chatter stays out."""
    logging.raiseExceptions = False  # else a line that cannot be formatted is printed with its arguments
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gateway").setLevel(level)
    for quiet in (
        "httpx",
        "httpcore",
        "LiteLLM",
        "presidio-analyzer",
        "presidio-anonymizer",
        "openai",
        "uvicorn.access",
    ):
        logging.getLogger(quiet).setLevel(logging.CRITICAL)
