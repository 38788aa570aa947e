"""Patterns: regular expressions that are compiled when they are first used.

The rules that read questions hold some fifty patterns, most of which a given question never
reaches. Compiled at import they took 70 ms of every command; this way a plain question in English
pays for a third of them.
"""

from __future__ import annotations

from functools import cached_property
from types import ModuleType
from typing import Any, cast

import regex


def lazy_pattern(source: str, flags: int = 0, *, engine: ModuleType = regex) -> regex.Pattern[str]:
    """Return what `engine.compile(source, flags)` does, as far as its methods go.

    A match does not know the lazy pattern by `found.re`. A mistake in `source` raises the
    engine's `error` at the first use; a test compiles every one.

    Args:
        engine: `regex`, or `re` where that does as well.
    """
    return cast("regex.Pattern[str]", _LazyPattern(source, flags, engine))


class _LazyPattern:
    """Stands for a compiled pattern and takes over its methods one by one as they are called."""

    def __init__(self, source: str, flags: int, engine: ModuleType) -> None:
        self._source, self._flags, self._engine = source, flags, engine

    @cached_property
    def _compiled(self) -> regex.Pattern[str]:
        compiled: regex.Pattern[str] = self._engine.compile(self._source, self._flags)
        return compiled

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        # `regex` keeps no compiled pattern for good, so the methods hold it from here on.
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._compiled, name)
        setattr(self, name, value)
        return value
