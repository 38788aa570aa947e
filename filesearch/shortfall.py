"""Shortfall: why an answer is not whole, for programs and as a sentence for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from filesearch.messages import FinishReason
from filesearch.types import Answer, IncompleteReason

_BY_FINISH: Mapping[FinishReason, IncompleteReason] = {
    "length": "max_completion_tokens",
    "content_filter": "content_filter",
}
_SAID: Mapping[IncompleteReason, str] = {
    "max_prompt_tokens": "the question, with what must go along, is longer than the model may "
    "read; ask a shorter one, or set FSEARCH_CHAT_CONTEXT_TOKENS to what it reads",
    "max_completion_tokens": "the answer is cut: the model had no tokens left to write; ask for "
    "less, or give it more of them",
    "content_filter": "the answer is cut by the content filter of the model's server; ask in other "
    "words, or another model",
}


def incomplete_reason(finish: FinishReason) -> IncompleteReason | None:
    """Return why a reply that ended so is not whole, None for one that is."""
    return _BY_FINISH.get(finish)


def shortfall(answer: Answer) -> str:
    """Return what an answer falls short of, and what to do; empty for one that is whole."""
    if answer.incomplete_reason is not None:
        return _SAID[answer.incomplete_reason]
    if not answer.plain_text.strip():
        return f"model '{answer.model}' wrote no answer; ask again, or another model"
    return ""
