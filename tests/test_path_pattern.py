"""Path pattern: what the path of a file says, and which patterns are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.errors import InvalidSetting
from filesearch.path_pattern import parse_path_pattern

ROOT = Path("/data/docs")


def match(pattern, filename):
    return parse_path_pattern(pattern).match(filename, ROOT / filename)


@pytest.mark.parametrize(
    ("pattern", "filename", "found"),
    [
        ("{year}/{team}/*.pdf", "2024/kiln/firing.pdf", {"year": 2024, "team": "kiln"}),
        ("{year}/{team}/*.pdf", "2024/firing.pdf", {}),
        ("{year}/{team}/*.pdf", "2024/kiln/old/firing.pdf", {}),
        ("{year}/{team}/*.pdf", "2024/kiln/firing.PDF", {}),
        ("{year}/**/*.pdf", "2024/a/b/firing.pdf", {"year": 2024}),
        ("{year}/**/*.pdf", "2024/firing.pdf", {"year": 2024}),
        ("{year}/**", "2024/a/b/firing.pdf", {"year": 2024}),
        ("**/{client}-{number:str}.md", "acme-007.md", {"client": "acme", "number": "007"}),
        ("**/{client}-{rest}.md", "x/a-b-c.md", {"client": "a", "rest": "b-c"}),
        ("{year:int}/*", "drafts/a.md", {}),
        ("{draft}_?.md", "true_1.md", {"draft": True}),
        ("{period}.csv", "2024_10.csv", {"period": "2024_10"}),
        ("{a}.{b}", "1.5", {"a": 1, "b": 5}),
        ("{{{a}}}.md", "{x}.md", {"a": "x"}),
        ("[{a}].md", "[x].md", {"a": "x"}),
        ("/data/{shelf}/{name}.md", "a.md", {"shelf": "docs", "name": "a"}),
        ("{团队}/*", "窑/a.md", {"团队": "窑"}),
        ("{a}", "line\nbreak", {"a": "line\nbreak"}),
    ],
)
def test_a_path_gives_the_fields_of_a_pattern_that_matches_it(pattern, filename, found):
    assert match(pattern, filename) == found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("*/*.pdf", "names no attribute"),
        ("{year}/{year}.md", "names 'year' twice"),
        ("{year:date}", "kind 'date' of 'year' is unknown; use str, int or none"),
        ("{}/*", "needs a name"),
        ("{" + "n" * 65 + "}", "needs a name of 1 to 64"),
        ("{a}/b**", "must stand alone"),
        ("{a}/{b", "single '{'; write {{"),
        ("{a}}", "single '}'"),
        ("{a/b}", "single '{'"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(pattern, reason):
    with pytest.raises(InvalidSetting, match=reason.replace("{", r"\{")):
        parse_path_pattern(pattern)


@given(st.lists(st.text("ab1-.", min_size=1, max_size=5), min_size=2, max_size=4))
def test_fields_for_folders_give_the_folders_back(components):
    pattern = "/".join(f"{{f{number}:str}}" for number in range(len(components)))
    found = match(pattern, "/".join(components))
    assert list(found.values()) == components
