"""Budget: what is left out of a conversation leaves one that servers take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.budget import PromptBudget, fit_messages, message_tokens
from filesearch.events import RunState
from filesearch.messages import ChatRequest, Image, Message, ToolCall


def turn(number, calls):
    """A question, `calls` calls in one message and what each returned, and the answer."""
    asked = tuple(ToolCall(f"call_{number}_{i}", "stock", '{"a": 1}') for i in range(calls))
    return [
        Message("user", f"question {number} " + "word " * 10),
        *([Message("assistant", tool_calls=asked)] if asked else []),
        *(Message("tool", "result " * 10, tool_call_id=call.id) for call in asked),
        Message("assistant", "answer " * 10),
    ]


def fit(history, **budget):
    messages, _sources = fit_messages("Be brief.", history, RunState(), PromptBudget(**budget))
    return list(messages or ())


def is_whole(messages):
    """Whether every call is followed by all its outputs, and every output has its call."""
    owed = []
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in owed:
                return False
            owed.remove(message.tool_call_id)
        elif owed:
            return False
        owed += [call.id for call in message.tool_calls]
    return not owed


@given(
    st.lists(st.integers(0, 3), max_size=4),
    st.one_of(
        st.builds(lambda n: {"last_messages": n}, st.integers(1, 25)),
        st.builds(lambda n: {"max_prompt_tokens": n}, st.integers(30, 700)),
    ),
)
def test_calls_and_what_they_returned_are_left_out_together(turns, budget):
    history = [m for n, calls in enumerate(turns) for m in turn(n, calls)]
    history.append(Message("user", "last"))
    kept = fit(history, **budget)[1:]
    assert is_whole(kept)
    assert kept == history[len(history) - len(kept) :]
    if "last_messages" in budget:
        assert 1 <= len(kept) <= budget["last_messages"]
    else:
        assert sum(map(message_tokens, kept)) <= budget["max_prompt_tokens"]


def test_as_many_messages_are_kept_as_fit():
    history = [*turn(0, 1), *turn(1, 2), Message("user", "last")]
    roles = [[m.role for m in fit(history, last_messages=n)[1:]] for n in range(1, 11)]
    assert [len(kept) for kept in roles] == [1, 2, 2, 2, 5, 6, 7, 7, 9, 10]
    tokens = sum(map(message_tokens, history)) + message_tokens(Message("system", "Be brief."))
    assert fit(history, max_prompt_tokens=tokens)[1:] == history
    assert fit(history, max_prompt_tokens=tokens - 1)[1:] == history[1:]


@pytest.mark.parametrize("budget", [{"last_messages": 1}, {"max_prompt_tokens": 80}])
def test_an_output_that_is_the_newest_message_keeps_its_call(budget):
    history = [Message("assistant", "Hello. " * 50), *turn(0, 2)[1:-1]]
    assert fit(history, **budget)[1:] == history[1:]


@pytest.mark.parametrize("turns", [20, 21, 22, 23])
def test_half_of_the_prompt_leaves_no_output_without_its_call(turns):
    history = [m for n in range(turns) for m in turn(n, n % 4)] + [Message("user", "last")]
    budget = PromptBudget().smaller(ChatRequest(tuple(history)))
    messages, _sources = fit_messages("", history, RunState(), budget)
    assert is_whole(messages)
    assert 1 < len(messages) < len(history)


def test_images_count_as_what_is_to_be_read():
    small, large = Image("https://x.org/m.png", detail="low"), Image("https://x.org/m.png")
    alone = message_tokens(Message("user", "This?"))
    assert message_tokens(Message("user", "This?", images=(small,))) == alone + 85
    seen = [Message("user", "That?", images=(large,) * 4), Message("user", "This?")]
    assert fit(seen, max_prompt_tokens=1_000) == [Message("system", "Be brief."), seen[1]]
