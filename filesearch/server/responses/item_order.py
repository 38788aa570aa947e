"""Item order: pieces of a reply as the model writes them -> the same pieces, item after item.

A model may write several calls at once, or go on with its text behind them; clients are told of
one item until it is done, and then of the next. What comes too early waits. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TypeAlias

from filesearch.events import CitationAdded, FunctionCallDelta, TextDelta

Piece: TypeAlias = TextDelta | CitationAdded | FunctionCallDelta

_TEXT = ""  # what text and citations belong to, in the place of a call's id


class ItemOrder:
    """The order of the items of one response.

    Args:
        functions: Names of the functions whose calls are shown; pieces of others are dropped.
    """

    def __init__(self, functions: Collection[str]) -> None:
        self._functions = frozenset(functions)
        self._open: str | None = None
        self._arguments: list[str] = []  # of the open item, if it is a call
        self._is_whole: bool | None = None  # these; None until somebody asks
        self._waiting: dict[str, list[Piece]] = {}
        self._ended: set[str] = set()

    def take(self, piece: Piece) -> list[Piece]:
        """Return what comes next after a piece of a reply: nothing, while it has to wait.

        Text ends where a call begins. A call ends where something else begins, once its arguments
        are whole.
        """
        item = piece.call_id if isinstance(piece, FunctionCallDelta) else _TEXT
        if item == self._open:
            return self._pass_on([piece])
        if item in self._waiting:
            self._waiting[item].append(piece)
        elif item not in self._ended and self._is_shown(piece):
            self._waiting[item] = [piece]
        passed: list[Piece] = []
        while self._waiting and self._may_end():
            passed += self._next()
        return passed

    def rest(self) -> list[Piece]:
        """Return what still waits when the reply is over; the next piece is one of another."""
        passed: list[Piece] = []
        while self._waiting:
            passed += self._next()
        self._open = None
        self._ended.clear()
        return passed

    def _is_shown(self, piece: Piece) -> bool:
        # Only the first piece of a call has its name.
        return not isinstance(piece, FunctionCallDelta) or piece.name in self._functions

    def _may_end(self) -> bool:
        if self._is_whole is None:
            self._is_whole = _is_whole(self._arguments)
        return not self._open or self._is_whole

    def _next(self) -> list[Piece]:
        if self._open:
            self._ended.add(self._open)
        self._open = next(iter(self._waiting))
        self._arguments, self._is_whole = [], None
        return self._pass_on(self._waiting.pop(self._open))

    def _pass_on(self, pieces: list[Piece]) -> list[Piece]:
        self._arguments += [p.arguments for p in pieces if isinstance(p, FunctionCallDelta)]
        self._is_whole = None
        return pieces


def _is_whole(arguments: list[str]) -> bool:
    """Return whether the pieces of a call's arguments are an object that is closed."""
    last = next((piece for piece in reversed(arguments) if piece.strip()), "")
    if not last.rstrip().endswith("}"):  # nearly always, and cheaper than to read them all
        return False
    try:
        return isinstance(json.loads("".join(arguments)), dict)
    except (ValueError, RecursionError):
        return False
