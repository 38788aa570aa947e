"""Errors: the one kind that ends a benchmark with a message instead of a traceback."""

from __future__ import annotations


class BenchError(Exception):
    """A benchmark cannot go on: the message gives what happened, the value and the way out."""
