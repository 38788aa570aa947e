"""Item order: what a model writes at once is told item after item."""

from __future__ import annotations

import json
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from filesearch.events import FunctionCallDelta, TextDelta
from filesearch.server.responses.item_order import ItemOrder

PIECES = st.lists(
    st.lists(st.text('{}" \\\n'), max_size=3).map(lambda said: json.dumps({"said": said})),
    min_size=1,
    max_size=4,
)


@given(arguments=PIECES, data=st.data())
def test_whatever_is_written_at_once_comes_whole_and_item_after_item(arguments, data):
    left = {f"c{number}": text for number, text in enumerate(arguments)}
    order, passed, begun = ItemOrder(["f"]), [], set()
    while left:
        call = data.draw(st.sampled_from(sorted(left)))
        size = data.draw(st.integers(1, 8))
        piece, left[call] = left[call][:size], left[call][size:]
        passed += order.take(FunctionCallDelta(call, "" if call in begun else "f", piece))
        begun.add(call)
        left = {name: text for name, text in left.items() if text}
    passed += order.rest()
    told = [list(pieces) for _, pieces in groupby(passed, lambda piece: piece.call_id)]
    assert sorted("".join(p.arguments for p in pieces) for pieces in told) == sorted(arguments)


def test_text_ends_where_a_call_begins_and_waits_while_one_is_open():
    order = ItemOrder(["f"])
    text, call, more = TextDelta("a"), FunctionCallDelta("c", "f", '{"b'), TextDelta("c")
    assert [order.take(piece) for piece in (text, call, more)] == [[text], [call], []]
    end = FunctionCallDelta("c", "", '": 1}')
    assert [order.take(end), order.rest()] == [[end], [more]]


def test_calls_of_the_next_reply_may_have_the_same_ids():
    order = ItemOrder(["f"])
    call, other = FunctionCallDelta("c", "f", "{}"), FunctionCallDelta("d", "f", "{}")
    assert [order.take(call), order.take(other), order.rest()] == [[call], [other], []]
    assert order.take(call) == [call]
