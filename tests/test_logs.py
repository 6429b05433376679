"""The log: one JSON object a line, in which no exception speaks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from gateway import logs

CANARY = "canary-7731"


NAMES = ("", "gateway", "httpx", "httpcore", "LiteLLM", "presidio-analyzer", "presidio-anonymizer", "openai")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The stderr of a configured process. Afterwards every logger is as it was."""
    loggers = [logging.getLogger(name) for name in (*NAMES, "uvicorn.access")]
    levels, handlers = [each.level for each in loggers], loggers[0].handlers[:]
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    logs.configure()
    yield stderr
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def lines(written: io.StringIO) -> list[dict[str, object]]:
    """Each line as an object. Nothing else may be written."""
    return [json.loads(line) for line in written.getvalue().splitlines()]


def failing() -> None:
    """An exception whose message, cause and note hold text."""
    error = ValueError(CANARY)
    error.add_note(CANARY)
    try:
        raise KeyError(CANARY)
    except KeyError as cause:
        raise error from cause


def test_a_line_is_one_object(written: io.StringIO) -> None:
    """With time, level, logger and the message, and the fields that were given beside it."""
    logging.getLogger("gateway.x").info("said %s\nand on", "so", extra={"fields": {"status": 200}})

    [line] = lines(written)
    assert {"time", "level", "logger", "message", "status"} == set(line)
    assert ("info", "gateway.x", "said so\nand on", 200) == (
        line["level"],
        line["logger"],
        line["message"],
        line["status"],
    )
    assert str(line["time"]).endswith("+00:00")


@pytest.mark.parametrize("name", ["gateway.x", "uvicorn.error", "asyncio", "concurrent.futures"])
def test_an_exception_is_named_and_not_quoted(written: io.StringIO, name: str) -> None:
    """Its type, without its message, its notes, its cause or a line of its traceback."""
    try:
        failing()
    except ValueError:
        logging.getLogger(name).exception("went wrong", stack_info=True)

    [line] = lines(written)
    assert "ValueError" == line["fault"]
    assert CANARY not in written.getvalue()


def test_asyncio_says_a_constant(written: io.StringIO) -> None:
    """Its own messages quote the exception and the task, whatever they are."""
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <... ValueError('%s')>", CANARY)

    [line] = lines(written)
    assert "a task failed unexpectedly" == line["message"]
    assert CANARY not in json.dumps(line)


def test_a_task_that_nobody_awaited_says_a_constant(written: io.StringIO) -> None:
    """The real thing: the loop reports the failure when the task is collected."""

    async def main() -> None:
        async def fails() -> None:
            failing()

        task = asyncio.ensure_future(fails())
        await asyncio.wait({task})
        del task
        gc.collect()

    asyncio.run(main())

    [line] = lines(written)
    assert ("asyncio", "a task failed unexpectedly", "ValueError") == (line["logger"], line["message"], line["fault"])
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize("name", ["httpx", "httpcore", "LiteLLM", "presidio-analyzer", "openai", "uvicorn.access"])
def test_libraries_that_chatter_are_silent(written: io.StringIO, name: str) -> None:
    """Their lines hold addresses, headers or text."""
    logging.getLogger(name).error(CANARY)
    logging.getLogger(f"{name}.inner").warning(CANARY)

    assert [] == lines(written)


def test_others_are_heard_from_warnings_on(written: io.StringIO) -> None:
    """The gateway itself from the level it is given."""
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    logging.getLogger("gateway").info("news")
    logging.getLogger("gateway").debug("detail")

    assert ["trouble", "news"] == [line["message"] for line in lines(written)]


def test_configuring_twice_says_it_once(written: io.StringIO) -> None:
    """Each worker process configures itself."""
    with contextlib.redirect_stderr(written):
        logs.configure(logging.WARNING)
    logging.getLogger("gateway").warning("once")
    logging.getLogger("gateway").info("below the level")

    assert ["once"] == [line["message"] for line in lines(written)]


def test_a_line_that_cannot_be_formatted_shows_nothing(written: io.StringIO) -> None:
    """Arguments that do not fit the message are no reason to print them."""
    # pytest listens as well, and raises
    with contextlib.suppress(TypeError), contextlib.redirect_stderr(written):
        logging.getLogger("gateway").warning("%d requests", CANARY)

    assert CANARY not in written.getvalue()
