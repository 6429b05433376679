"""Command line of the recipe: train and export. See README.md beside this file."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Run one step; each step imports only what it needs."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.lora")
    parser.add_argument("step", choices=("train", "export"))
    parser.add_argument("--base", type=Path, required=True, help="the base model, a Llama-architecture GGUF")
    parser.add_argument("--tasks", type=Path, help="a labelled JSONL of your own; without it, the generated four jobs")
    parser.add_argument("--out", type=Path, default=Path("var/lora"), help="working folder (checkpoints, log)")
    parser.add_argument("--adapter", type=Path, help="where export writes the adapter")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20_261)
    given = parser.parse_args()
    if given.step == "train":
        from .train import generated_tasks, own_tasks, train  # noqa: PLC0415 - each step needs libraries that the others do not

        texts = own_tasks(given.tasks, given.seed) if given.tasks else generated_tasks(given.seed)
        train(
            given.base,
            given.out,
            texts,
            steps=given.steps,
            minutes=given.minutes,
            threads=given.threads,
            seed=given.seed,
        )
    else:
        from .export import export  # noqa: PLC0415 - each step needs libraries that the others do not

        export(given.out, given.adapter)


if __name__ == "__main__":
    main()
