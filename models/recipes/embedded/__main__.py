"""Command line of the recipe: train, export and evaluate. See README.md beside this file."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Run one step of the recipe; each step imports only what it needs."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.embedded")
    parser.add_argument("step", choices=("train", "export", "evaluate"))
    parser.add_argument(
        "--out", type=Path, default=Path("var/embedded"), help="working folder (checkpoints, log, scores)"
    )
    parser.add_argument("--gguf", type=Path, default=Path("models/embedded/embedded-q8_0.gguf"))
    parser.add_argument(
        "--tokens", type=Path, default=Path("tests/models/tokens.json"), help="where export stores token cases"
    )
    parser.add_argument("--minutes", type=float, default=50.0)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20_261)
    parser.add_argument("--examples", type=int, default=150, help="evaluation examples per job and split")
    given = parser.parse_args()
    if given.step == "train":
        from .train import Budget, train  # noqa: PLC0415 - each step needs libraries that the others do not

        train(given.out, Budget(minutes=given.minutes, steps=given.steps), given.seed, given.threads)
    elif given.step == "export":
        from .export import export, export_token_cases  # noqa: PLC0415 - each step needs libraries that the others do not

        export(given.out, given.gguf)
        export_token_cases(given.out, given.tokens, given.seed)
    else:
        from .evaluate import evaluate  # noqa: PLC0415 - each step needs libraries that the others do not

        evaluate(given.gguf, given.out, given.examples, given.seed, given.threads)


if __name__ == "__main__":
    main()
