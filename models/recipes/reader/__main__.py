"""The reader of fields: `python -m models.recipes.reader train | export | evaluate --minilm FOLDER --work build/reader`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.recipes.reader", description=__doc__)
    parser.add_argument("job", choices=("train", "export", "evaluate"))
    parser.add_argument("--minilm", type=Path, required=True, help="folder of MiniLM's weights and tokenizer")
    parser.add_argument(
        "--pipeline", type=Path, help="a pipeline whose encoder's layers are the first ones, instead of MiniLM's"
    )
    parser.add_argument("--work", type=Path, default=Path("build/reader"), help="checkpoints")
    parser.add_argument("--out", type=Path, default=Path("models/reader"))
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--minutes", type=float, default=1e6, help="end by the clock, should it come first")
    parser.add_argument("--batch", type=int, default=704, help="word pieces a step")
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--count", type=int, default=500, help="texts of each kind to evaluate on")
    parser.add_argument("--seed", type=int, default=20263)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if args.job == "train":
        from .train import train  # noqa: PLC0415 - torch is not needed to evaluate

        train(args)
    elif args.job == "export":
        import torch  # noqa: PLC0415 - as above

        from .export import write  # noqa: PLC0415
        from .net import begin  # noqa: PLC0415

        net = begin(args.pipeline, args.minilm, args.layers)
        net.load_state_dict(torch.load(args.work / "checkpoint.pt")["net"])
        write(net, args.minilm, args.out)
    else:
        from .evaluate import evaluate  # noqa: PLC0415

        evaluate(args.out, args.count, args.seed)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # some generators walk through sets: the same order every time
        os.execve(
            sys.executable,
            [sys.executable, "-m", "models.recipes.reader", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    main()
