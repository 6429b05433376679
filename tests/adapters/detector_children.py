"""Children that misbehave, in the place of the detector's process. The argument says how.

Run as `python -m tests.adapters.detector_children MODE`.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from gateway.adapters.worker_child import Channel

ANSWERS = {
    "too-few": {"leaves": []},
    "no-list": {"leaves": "fine"},
    "no-object": ["fine"],
    "nothing": None,
    "beyond": {"leaves": [[[0, 10_000, "US_SSN", 900, "X"]]]},
    "backwards": {"leaves": [[[3, 1, "US_SSN", 900, "X"]]]},
    "odd-types": {"leaves": [[["0", 1, "US_SSN", 900, "X"]]]},
    "empty-finding": {"leaves": [[[]]]},
    "null-leaf": {"leaves": [None]},
    "unknown-word": {"leaves": ["clean"]},
    "stubborn": {"unknown_set": True},
}


def raises() -> None:
    """The real worker over an analyzer whose every examination fails, with the text in the error."""
    from gateway.detection import worker

    class Broken:
        class engine:  # noqa: N801 - as the analyzer names it
            @staticmethod
            def get_supported_entities(_: str) -> list[str]:
                return ["US_SSN"]

        class pipeline:  # noqa: N801 - as the analyzer names it
            encoder = None

        def examine(self, text: str, *_: object) -> tuple[()]:
            if "Ready" in text:
                return ()
            print(text)
            raise ValueError(text)

    worker.main(lambda *_: Broken())  # type: ignore[arg-type, return-value]


def judges() -> None:
    """The real worker with real heads, those of the folder in the last argument, over vectors that count letters."""
    import numpy as np

    from gateway.detection import worker

    class Counting:
        class engine:  # noqa: N801 - as the analyzer names it
            @staticmethod
            def get_supported_entities(_: str) -> list[str]:
                return ["US_SSN"]

        class pipeline:  # noqa: N801 - as above
            class encoder:  # noqa: N801 - as above
                @staticmethod
                def vectors(texts: list[str]) -> object:
                    assert "unreadable" not in texts[0]
                    return np.array([[text.count("h"), text.count("c")] for text in texts], np.float32)

        def examine(self, *_: object) -> tuple[()]:
            return ()

        def examine_joint(self, *_: object) -> tuple[()]:
            return ()

    sys.argv = [sys.argv[0], sys.argv[3], "", ""]
    worker.main(lambda *_: Counting())  # type: ignore[arg-type, return-value]


def hangs(channel: Channel) -> None:
    """Listens and never answers."""
    for _ in channel.messages():
        pass


def babbles() -> NoReturn:
    """Writes what is no frame."""
    os.write(1, b"\xff" * 4096)
    sys.exit(0)


def main() -> None:
    """Behave as the argument says."""
    mode = sys.argv[1]
    if mode == "raises":
        return raises()
    if mode == "judges":
        return judges()
    if mode == "babbles-at-once":
        babbles()
    sink = os.dup(1)
    channel = Channel.of_this_process()
    channel.ready({"detector": "child", "entities": ["US_SSN"]})
    if mode == "hangs":
        return hangs(channel)
    for message in channel.messages():
        if mode == "babbles":
            os.dup2(sink, 1)
            babbles()
        if "job" in message:
            channel.end(message["job"], ANSWERS[mode])  # type: ignore[arg-type]
    return None


if __name__ == "__main__":
    main()
