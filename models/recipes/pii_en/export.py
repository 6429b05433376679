"""Writes a trained network as a spaCy pipeline folder, its weights as 8-bit numbers."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import spacy
import torch

from gateway.detection import tagging
from models.recipes.onnx_files import write_in_8_bits

from .net import Tagger

COMPONENT = "ner"
CALIBRATION = {"temperature": 1.0, "most_outside": 0.6, "most_outside_of_names": 0.85, "least_special": 0.6}


def write_pipeline(net: Tagger, labels: tuple[str, ...], minilm: Path, out: Path) -> None:
    """A folder that `spacy.load` reads, once `gateway.detection.tagging` was imported."""
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": tagging.TOKENIZER}}})
    nlp.add_pipe(tagging.FACTORY, name=COMPONENT)
    nlp.meta.update(
        {
            "name": "pii",
            "version": "0.2.0",
            "license": "Apache-2.0",
            "description": "Names, places, dates and addresses.",
        }
    )
    shutil.rmtree(out / "vocab", ignore_errors=True)
    for old in ("tok2vec", "ner"):
        shutil.rmtree(out / old, ignore_errors=True)
    (out / "tokenizer").unlink(missing_ok=True)
    nlp.to_disk(out)
    folder = out / COMPONENT
    folder.mkdir(exist_ok=True)
    write_onnx(net, folder / "encoder.onnx")
    shutil.copyfile(minilm / "tokenizer.json", folder / "tokenizer.json")
    told = {"labels": list(labels), **CALIBRATION}
    (folder / "encoder.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def write_onnx(net: Tagger, path: Path, *, whole: bool = False) -> None:
    """The network in ONNX; matrices and the table of word pieces in 8 bits unless `whole`."""
    net = net.eval()
    given = torch.ones(1, 8, dtype=torch.long)
    raw = path.with_suffix(".whole.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (given, given, given),
            str(raw),
            input_names=["pieces", "shapes", "mask"],
            output_names=["logits", "vector"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in ("pieces", "shapes", "mask", "logits")},
            opset_version=17,
            dynamo=False,
        )
    if whole:
        raw.replace(path)
        return
    write_in_8_bits(raw, path)
