"""A network's file, opened: how ONNX Runtime runs it, and the tokenizer that may travel inside."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
from tokenizers import Tokenizer

from gateway.detection.pieces import plain


def network(file: Path) -> onnxruntime.InferenceSession:
    """The network of a file, run by one thread: processes share out the cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def tokenizer_inside(session: onnxruntime.InferenceSession) -> Tokenizer:
    """The tokenizer that the recipes put into a network's file (`models/recipes/onnx_files.py`)."""
    return plain(Tokenizer.from_str(session.get_modelmeta().custom_metadata_map["tokenizer"]))
