"""A network's file, opened: how ONNX Runtime runs it, and the tokenizer that may travel inside."""

from __future__ import annotations

import os
from pathlib import Path

import onnxruntime
from tokenizers import Tokenizer

from gateway.detection.pieces import plain


def network(file: Path) -> onnxruntime.InferenceSession:
    """The network of a file, run by as many threads as `OMP_NUM_THREADS` allows the process, or one. What it answers
    does not depend on their number, and none spins while it waits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def tokenizer_inside(session: onnxruntime.InferenceSession) -> Tokenizer:
    """The tokenizer that the recipes put into a network's file (`models/recipes/onnx_files.py`)."""
    return plain(Tokenizer.from_str(session.get_modelmeta().custom_metadata_map["tokenizer"]))
