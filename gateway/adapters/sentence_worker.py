"""The child process that turns texts into vectors: `python -m gateway.adapters.sentence_worker FILE SHA256`.

Runs a sentence encoder exported to ONNX, whose tokenizer travels inside the same file. A text that is longer than the
encoder reads at once is read in windows, and its vector is their mean: nothing is cut off. Nothing is printed once the
model is loaded, since a traceback could quote text.

A job is {"texts": [...], "most": tokens}. Answers: {"vectors": [base64 of little-endian float32...], "tokens": n}, or
{"error": "too_long"} for a text of more than `most` tokens, or {"error": "broken"}.
"""

from __future__ import annotations

import base64
import functools
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from gateway.adapters.model_manifest import verify_sha256
from gateway.adapters.worker_child import Channel
from gateway.detection.networks import network, tokenizer_inside
from gateway.domain.strict_json import Json

WINDOW = 254
"""Word pieces that are read at once, without the two marks at the ends."""
_FIRST, _LAST = 101, 102  # [CLS] and [SEP] of BERT's vocabulary

Vector = NDArray[np.float32]


class TooLong(Exception):
    """A text has more tokens than are read."""


class Cancelled(Exception):
    """Nobody waits for the answer any more."""


class SentenceEncoder:
    """One loaded model."""

    def __init__(self, file: Path) -> None:
        self._session = network(file)
        self._tokenizer = tokenizer_inside(self._session)

    def pieces(self, text: str, most: int) -> list[int]:
        """The word pieces of a text, without marks. Raises `TooLong`."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        if len(ids) > most:
            raise TooLong
        return ids

    def vector(self, pieces: list[int], wanted: Callable[[], None]) -> Vector:
        """A vector of unit length: the mean over the windows, each by its share of the text. `wanted` may raise."""
        total = np.zeros(0, np.float32)
        for start in range(0, max(len(pieces), 1), WINDOW):
            wanted()
            window = pieces[start : start + WINDOW]
            ids = np.array([[_FIRST, *window, _LAST]], np.int64)
            weighted = cast("Vector", self._session.run(None, {"pieces": ids})[0]) * max(len(window), 1)
            total = weighted if not total.size else total + weighted
        return cast("Vector", (total / np.linalg.norm(total)).astype("<f4"))


class Inbox:
    """Jobs in order; a second thread reads them and the cancellations, and ends the process with the parent."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.jobs: queue.SimpleQueue[tuple[int, dict[str, Json]]] = queue.SimpleQueue()
        self._cancelled: set[int] = set()

    def read(self) -> None:
        """Sort what the parent sends."""
        for message in self._channel.messages():
            if "cancel" in message:
                self._cancelled.add(cast("int", message["cancel"]))
            else:
                self.jobs.put((cast("int", message["job"]), cast("dict[str, Json]", message["do"])))
        os._exit(0)

    def check(self, number: int) -> None:
        """Raise `Cancelled` when nobody wants job `number` any more. Jobs are numbered upwards."""
        self._cancelled -= {old for old in tuple(self._cancelled) if old < number}
        if number in self._cancelled:
            raise Cancelled


def answer(encoder: SentenceEncoder, job: dict[str, Json], wanted: Callable[[], None]) -> Json:
    """What a job is answered with. Raises `Cancelled`."""
    texts, most = cast("list[str]", job["texts"]), cast("int", job["most"])
    try:
        pieces = [encoder.pieces(text, most) for text in texts]
    except TooLong:
        return {"error": "too_long"}
    vectors: list[Json] = [base64.b64encode(encoder.vector(each, wanted).tobytes()).decode("ascii") for each in pieces]
    return {"vectors": vectors, "tokens": sum(map(len, pieces))}


def main() -> None:
    """Check and load the model, then serve. A file with another hash is refused before ONNX Runtime sees it."""
    file, sha256 = sys.argv[1:3]
    channel = Channel.of_this_process()
    verify_sha256(Path(file), sha256)
    encoder, inbox = SentenceEncoder(Path(file)), Inbox(channel)
    threading.Thread(target=inbox.read, daemon=True).start()
    channel.ready({"width": int(encoder.vector([], lambda: None).size)})
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    while True:
        number, job = inbox.jobs.get()
        try:
            end = answer(encoder, job, functools.partial(inbox.check, number))
        except Exception:  # noqa: BLE001 - the exception map: trouble is told as such, and its text never
            end = {"error": "broken"}
        channel.end(number, end)


if __name__ == "__main__":
    main()
