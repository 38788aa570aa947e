"""ONNX session: what every adapter that runs an exported model shares.

model.onnx -> session on the CPU; lengths of sequences -> batches that suit it. onnxruntime is
loaded when a session is opened.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from filesearch.cores import usable_cores
from filesearch.types import IntArray

if TYPE_CHECKING:
    import onnxruntime

# Word pieces in one run on all cores, padding included. Texts of 200 pieces a second on 2 cores
# (AVX-512), on a noisy machine: 50 at 200, 57 at 800, 69 at 1,600, 77 at 3,200, 73 at 6,400. A run
# on one core takes as long a text alone (see scripts/export_model.py).
BATCH_TOKENS = 4096


def refuse_telemetry() -> None:
    """Have onnxruntime collect nothing about its use; to be called before it is imported.

    By itself version 1.31 keeps a database in the user's cache, and threads that a forked child
    waits for at its end. Who sets the variable to something else is let have it.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def open_session(
    graph: Path | bytes, *, is_fused: bool, threads: int = 0
) -> onnxruntime.InferenceSession:
    """Return a session over a model; safe to use from several threads.

    Args:
        graph: The file model.onnx, beside which weights may lie in files of their own; or what
            such a file holds.
        is_fused: The graph is in onnxruntime's own fused operators already.
        threads: How many work on one run; with 1, it is the calling thread, so that runs of
            several threads go on side by side. 0 means every core that may be used.

    Raises:
        Exception: The file is no model; onnxruntime has a class for every reason, and no common
            one.
    """
    refuse_telemetry()
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.log_severity_level = 3  # errors; warnings concern hardware it looks for in vain
    # A graph that is fused already is faster than what the levels above basic make of it.
    options.graph_optimization_level = (
        levels.ORT_ENABLE_BASIC if is_fused else levels.ORT_ENABLE_ALL
    )
    # A plan per input shape pays when shapes repeat; ours do not, and it costs 20 MB.
    options.enable_mem_pattern = False
    # Idle workers sleep instead of spinning: beside a thread that prepares the next texts,
    # 5.1 against 3.8 thousand word pieces a second, and that thread gets 40% further. A
    # question takes 0.2 ms longer for it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        graph if isinstance(graph, bytes) else str(graph),
        options,
        providers=["CPUExecutionProvider"],
    )


def leave_to_parent(session: onnxruntime.InferenceSession) -> None:
    """Keep a session of several threads for good, in a forked child, where it has none of them.

    It would wait for them when it ends, at the end of the process as well.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


def batches(lengths: IntArray) -> Iterator[IntArray]:
    """Yield row numbers, each row once, so that a batch is of like lengths and within budget.

    Longest first, so that the session's memory grows once.

    Args:
        lengths: int64 (n,), tokens of each sequence.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        count = max(1, BATCH_TOKENS // max(1, int(lengths[order[start]])))
        yield order[start : start + count]
        start += count
