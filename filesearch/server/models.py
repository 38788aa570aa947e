"""Models: the name that a program asks for -> the chat model that answers.

Programs ask for the names of hosted models. The settings' `chat_models` says what serves a name
or a pattern of names; `chat_model` serves all others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from filesearch.adapters import make_chat_model, make_extractive_model
from filesearch.config import EXTRACTIVE_MODEL, split_chat_model
from filesearch.engine import FileSearch
from filesearch.plan import plan_queries
from filesearch.protocols import ChatModel

_PATTERN_SIGNS = frozenset("*?[")


def quotes(model: ChatModel) -> bool:
    """Return whether a model does no more than quote what a search finds."""
    return model.name == EXTRACTIVE_MODEL


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model in the list of models.

    Attributes:
        id: What to ask for.
        owner: The preset that serves it, or `filesearch`.
    """

    id: str
    owner: str


class ModelMap:
    """Which chat model answers to which name. Safe to use from several threads.

    Args:
        fs: The index, with its settings, embedder and default chat model.
        environ: Variables, for providers' own keys; the process's when None.

    Attributes:
        created: Unix seconds: since when the models are served.
    """

    def __init__(self, fs: FileSearch, *, environ: Mapping[str, str] | None = None) -> None:
        self.created = int(time.time())
        self._fs = fs
        self._environ = environ
        self._mapping = fs.settings.chat_models
        specs = dict.fromkeys(
            [EXTRACTIVE_MODEL, fs.settings.chat_model, *fs.settings.chat_models.values()]
        )
        # What serves can be asked for by its own name too, which tells no address.
        self._own_names: dict[str, str] = {}
        for spec in specs:
            self._own_names.setdefault(_own_name(spec), spec)
        self._made: dict[str, ChatModel] = {}
        self._lock = threading.Lock()

    def model_for(self, name: str) -> ChatModel:
        """Return what answers to `name`, whatever it is; the same object each time.

        Raises:
            InvalidSetting: The settings for it cannot be used, such as a key that is missing.
        """
        spec = self._spec(name)
        if spec == self._fs.settings.chat_model:
            return self._fs.chat_model
        with self._lock:
            if spec not in self._made:
                self._made[spec] = make_chat_model(
                    self._fs.settings,
                    extractive=lambda: make_extractive_model(
                        self._fs.settings, lambda: self._fs.embedder, plan_queries
                    ),
                    name=spec,
                    environ=self._environ,
                )
            return self._made[spec]

    def served(self) -> tuple[ServedModel, ...]:
        """Return the models that have a name: mapped ones, what serves them, the embedder.

        Patterns are left out. No name comes twice.
        """
        found: dict[str, str] = {}
        for name, spec in self._mapping.items():
            if not _PATTERN_SIGNS & set(name):
                found[name] = _owner(spec)
        for name, spec in self._own_names.items():
            found.setdefault(name, _owner(spec))
        found.setdefault(self._fs.embedder.name, "filesearch")
        return tuple(ServedModel(name, owner) for name, owner in found.items())

    def _spec(self, name: str) -> str:
        for exact in (self._mapping, self._own_names):
            if name in exact:
                return exact[name]
        for pattern, spec in self._mapping.items():
            if fnmatchcase(name, pattern):
                return spec
        return self._fs.settings.chat_model


def _own_name(spec: str) -> str:
    said = split_chat_model(spec)
    return f"{said.preset}:{said.model}" if said.model else said.preset


def _owner(spec: str) -> str:
    preset = split_chat_model(spec).preset
    return "filesearch" if preset == EXTRACTIVE_MODEL else preset
