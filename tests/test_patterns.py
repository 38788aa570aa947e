"""Tests of filesearch.patterns."""

from __future__ import annotations

import importlib.util
import re

import pytest
import regex

from filesearch import answer, compare, conversation, decompose, plan, rewrite, wording
from filesearch.patterns import lazy_pattern

MODULES = (answer, compare, conversation, decompose, plan, rewrite, wording)


def test_a_lazy_pattern_does_what_the_compiled_one_does() -> None:
    lazy, compiled = lazy_pattern(r"(?P<n>\d+)", regex.IGNORECASE), regex.compile(r"(?P<n>\d+)")
    text = "a 12 b 345"
    assert lazy.findall(text) == compiled.findall(text) == ["12", "345"]
    assert lazy.sub("#", text) == compiled.sub("#", text)
    found = lazy.search(text)
    assert found is not None
    assert found["n"] == "12"


def test_a_mistake_is_raised_at_first_use() -> None:
    pattern = lazy_pattern("(")
    with pytest.raises(regex.error):
        pattern.search("a")


def test_importing_the_rules_compiles_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(regex, "compile", lambda source, *_args: compiled.append(source))
    monkeypatch.setattr(re, "compile", lambda source, *_args: compiled.append(source))
    for name in ("compare", "decompose", "rewrite"):
        spec = importlib.util.find_spec(f"filesearch.{name}")
        assert spec is not None
        assert spec.loader is not None
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert compiled == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_pattern_of_the_rules_compiles(module: object) -> None:
    lazy = [value for value in vars(module).values() if hasattr(value, "_source")]
    assert lazy
    for pattern in lazy:
        assert pattern.pattern
