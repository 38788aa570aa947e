from __future__ import annotations

from collections.abc import Callable

import pytest

from filesearch.errors import InvalidFile
from filesearch.load import compose, load
from filesearch.types import Document


def headings(document: Document) -> list[tuple[int, str]]:
    return [(s.number, s.label) for s in document.spans if s.kind == "heading"]


def test_markdown_text_stays_as_it_is() -> None:
    text = "# Title\n\nA *word*, a [link](x.md).\n\n- item\n\ttab\n"
    assert load(text.encode(), "a.md").text == text


def test_markdown_headings_nest_and_cover_their_sections(
    keeps_promises: Callable[[Document], None],
) -> None:
    text = "# One\na\n## Two\nb\n# Three\nc\n"
    document = load(text.encode(), "a.md")
    keeps_promises(document)
    spans = {s.label: document.text[s.start : s.end] for s in document.spans}
    assert spans == {"One": "# One\na\n## Two\nb\n", "Two": "## Two\nb\n", "Three": "# Three\nc\n"}
    assert document.title == "One"


def test_markdown_headings_in_fenced_code_are_code() -> None:
    text = "# Real\n```sh\n# comment\n```\n~~~\n# more\n```\n~~~\n    # indented\n## Also real\n"
    assert headings(load(text.encode(), "a.md")) == [(1, "Real"), (2, "Also real")]


def test_markdown_headings_in_comments_are_none() -> None:
    text = (
        "# A\n<!--\n# no\n\nno\n--\n--> \n## B\n<!-- x -->\n---\n```\n<!--\n```\n# C\n<!-->\n# D\n"
    )
    assert headings(load(text.encode(), "a.md")) == [(1, "A"), (2, "B"), (1, "C"), (1, "D")]
    assert headings(load(b"<!-- never closed\n# A\n", "a.md")) == [(1, "A")]


def test_markdown_setext_headings_are_found_but_not_rules_or_tables() -> None:
    text = "Big\n===\n\nSmall\n---\n\npara\n\n---\n\n| a | b |\n|---|---|\n- item\n---\n"
    assert headings(load(text.encode(), "a.md")) == [(1, "Big"), (2, "Small")]


def test_markdown_heading_labels_lose_their_markup() -> None:
    text = "## The `load` **stage** of [x](y) ##\n"
    assert headings(load(text.encode(), "a.md")) == [(2, "The load stage of x")]


def test_markdown_title_comes_from_front_matter() -> None:
    text = '---\ntitle: "Returns: how"\ntags: [a]\n# no heading\n---\n# First\n'
    document = load(text.encode(), "a.md")
    assert document.title == "Returns: how"
    assert headings(document) == [(1, "First")]


def test_rst_titles_take_levels_by_order_of_appearance() -> None:
    text = "=====\nTitle\n=====\n\nPart\n----\ntext\n\nSub\n~~~\n\nPart 2\n------\n"
    text += "\n== ==\na  b\n== ==\n"
    assert headings(load(text.encode(), "a.rst")) == [
        (1, "Title"),
        (2, "Part"),
        (3, "Sub"),
        (2, "Part 2"),
    ]


def test_tex_sections_and_title_are_found() -> None:
    text = "\\title{On \\emph{mugs}}\n\\section{One}\nx\n\\subsection*{Two}\ny\n"
    document = load(text.encode(), "a.tex")
    assert document.title == "On mugs"
    assert [label for _, label in headings(document)] == ["One", "Two"]


@pytest.mark.parametrize("name", ["verbatim", "lstlisting", "comment", "Verbatim*"])
def test_tex_sections_in_code_and_comments_are_none(name: str) -> None:
    shown = f"\\begin{{{name}}}\n\\section{{No}}\n\\end{{verb}}\n\\end{{{name}}}\n"
    text = (
        f"\\section{{One}}\n{shown}\\section{{Two}}\n{shown}\\begin{{{name}}}\n\\section{{Three}}\n"
    )
    labels = [label for _, label in headings(load(text.encode(), "a.tex"))]
    assert labels == ["One", "Two", "Three"]


def test_python_classes_and_functions_are_headings(
    keeps_promises: Callable[[Document], None],
) -> None:
    text = (
        '"""Doc.\n\ndef not_one(): in a docstring\n"""\n\n@cache\ndef refund():\n'
        "    def inner(): ...\n\n"
        "class Cart:\n    async def add(self):\n        def deep(): ...\n\n"
        "    def total(self): ...\n"
    )
    document = load(text.encode(), "a.py")
    keeps_promises(document)
    assert headings(document) == [
        (1, "def refund"),
        (1, "class Cart"),
        (2, "async def add"),
        (2, "def total"),
    ]
    assert document.text[document.spans[0].start :].startswith("@cache")


def parts(text: str) -> dict[str, str]:
    """Return the sections of Python code by their label."""
    document = load(text.encode(), "a.py")
    return {s.label: document.text[s.start : s.end] for s in document.spans}


KILN = r'''
class Kiln:
    def soak(
        self,
    ):
        return "\"(" + '('  # (

    LEVEL = 2

# then
MAXIMUM = 1280

def heat():
    x = """
no \"""
"""
    y = 1 + \
2
    # in it
heat()
'''


def test_python_sections_end_with_the_code_of_their_block() -> None:
    found = parts(KILN)
    assert found["class Kiln"].endswith("    LEVEL = 2\n\n# then\n")
    assert found["def soak"].endswith("# (\n\n")
    assert found["def heat"].endswith("\n2\n    # in it\n")


def test_python_definitions_that_depend_on_something_are_parts_too() -> None:
    code = "class A:\n    def a(self): ...\n\nif HOT:\n    class B:\n        def b(self): ...\n"
    document = load(f"{code}else:\n    def c(): ...\n".encode(), "a.py")
    assert headings(document) == [
        *((1, "class A"), (2, "def a"), (1, "class B"), (2, "def b"), (1, "def c")),
    ]


def test_python_decorators_over_several_lines_belong_to_what_they_decorate() -> None:
    found = parts("def a():\n    pass\n\n@deco(\n    1,\n)\n# why\n@more\nclass B:\n    pass\n")
    assert found["class B"].startswith("@deco(\n")
    assert found["def a"] == "def a():\n    pass\n\n"


def test_python_with_a_bracket_that_is_never_closed_keeps_its_parts() -> None:
    assert list(parts("x = f(1\n\ndef a():\n    pass\n\nclass B:\n    def c(self:\n")) == [
        *("def a", "class B", "def c"),
    ]


def test_line_ends_and_controls_are_mended() -> None:
    data = "a\r\nb\rc\u2028d\x00e\x07f\tg".encode()
    assert load(data, "a.txt").text == "a\nb\nc\nde f\tg"


def test_text_is_composed_to_nfc() -> None:
    assert load("cafe\u0301".encode(), "a.txt").text == "café"


@pytest.mark.parametrize("data", [b" \n\t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_blank_text_is_invalid(data: bytes) -> None:
    with pytest.raises(InvalidFile, match=r"'a\.txt' is empty"):
        load(data, "a.txt")


def test_text_over_the_cap_is_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "MAX_CHARACTERS", 10)
    with pytest.raises(InvalidFile, match="more than 10 characters"):
        load(b"12345678901", "a.txt")
    assert load(b"1234567890", "a.txt").text == "1234567890"


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (b"#" + b" " * 300_000 + b"x", "a.md"),
        (b"# " + b"[" * 300_000, "a.md"),
        (b"\\section{" * 30_000, "a.tex"),
        (b"<!---->" * 1000, "a"),
        (b"=" * 300_000 + b"\n" + b"-" * 300_000, "a.rst"),
        (b"---\n" * 50_000, "a.md"),
        (b"<!--\n" * 100_000, "a.md"),
        (b"\\begin{verbatim}\n" * 30_000, "a.tex"),
        (b"x = " + b"'\\" * 300_000, "a.py"),
        (b"'\"" * 300_000 + b"(", "a.py"),
    ],
)
@pytest.mark.timeout(5)
def test_hostile_repetition_takes_no_time(data: bytes, filename: str) -> None:
    assert load(data, filename).text


def test_a_part_brings_its_spans_headings_and_warnings_along() -> None:
    inner = load(b"# Mugs\n\nA mug holds 300 ml.\n", "mugs.md")
    composer = compose.Composer("box.zip")
    composer.add("Two files.")
    composer.add_part(1, "docs/mugs.md", inner)
    document = composer.build("application/zip")
    kinds = {
        (s.kind, s.number, document.text[s.start : s.end][:6], s.label) for s in document.spans
    }
    assert ("part", 1, "docs/m", "docs/mugs.md") in kinds
    assert ("heading", 1, "docs/m", "docs/mugs.md") in kinds
    assert ("heading", 2, "# Mugs", "Mugs") in kinds
