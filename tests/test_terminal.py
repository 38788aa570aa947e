"""Terminal: names from elsewhere are shown and not obeyed."""

import unicodedata

import pytest

from filesearch.cli.options import show_as_written
from filesearch.events import TextDelta
from filesearch.render import render_changes
from filesearch.reports import FileOutcome, IngestReport
from filesearch.terminal import escaped, escaped_text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[31mred.md", "\\x1b[31mred.md"),
        ("two\nlines\t.md", "two\\nlines\\t.md"),
        ("\x7f\x85\x9b", "\\x7f\\x85\\x9b"),
        ("a\u202efdp.md", "a\\u202efdp.md"),
        ("\u2066\u2069", "\\u2066\\u2069"),
        ("Ärger 牡丹 שלום 🏺.md", "Ärger 牡丹 שלום 🏺.md"),
    ],
)
def test_what_a_terminal_obeys_is_escaped_and_the_rest_stays(name, shown):
    assert escaped(name) == shown


def test_no_control_and_nothing_that_turns_writing_around_is_left():
    text = escaped("".join(map(chr, range(0xD800))))
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not [c for c in text if unicodedata.category(c) == "Cc"]
    assert not [c for c in text if unicodedata.bidirectional(c) in turning]


def test_what_a_watch_tells_of_a_change_is_one_line():
    moved = FileOutcome("new\n.md", "renamed", renamed_from="\x1b[2Jold.md")
    shown = render_changes(IngestReport((moved,), seconds=1.0))
    assert shown == "  renamed  \\x1b[2Jold.md -> new\\n.md"


def test_a_text_of_several_lines_keeps_them():
    assert escaped_text("one\n\ttwo \x1b]52;c;cm0=\x07\r") == "one\n\ttwo \\x1b]52;c;cm0=\\x07\\r"


def test_what_a_model_writes_is_not_obeyed(capsys):
    list(show_as_written(iter([TextDelta("It says:\n\x1b[2J"), TextDelta("no.")])))
    assert capsys.readouterr().out == "It says:\n\\x1b[2Jno."
