"""Matrix: what each SDK's driver found -> the table of the README.

`matrix.json` beside this file holds the last run that was recorded; the README's table is made
from it alone.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

RECORD = Path(__file__).with_name("matrix.json")
BEGIN, END = "<!-- sdk-table -->", "<!-- /sdk-table -->"

Matrix: TypeAlias = dict[str, dict[str, str]]
"""Name of an SDK -> method -> outcome, as the drivers print it."""

_MARKS = {"ok": "✓", "absent": "–", "failed": "**fails**"}


def load_record() -> Matrix:
    """Return the run that was recorded last."""
    recorded: Matrix = json.loads(RECORD.read_text(encoding="utf-8"))
    return recorded


def save_record(matrix: Matrix) -> None:
    """Record a run."""
    text = json.dumps(matrix, indent=1, sort_keys=True, ensure_ascii=False)
    RECORD.write_text(text + "\n", encoding="utf-8")


def render(matrix: Matrix) -> str:
    """Return the table as Markdown: a row for the methods of a resource that fare alike."""
    columns = sorted(matrix, key=_age)
    methods = sorted({method for outcomes in matrix.values() for method in outcomes})
    rows = {
        method: tuple(_mark(matrix[column].get(method, "absent")) for column in columns)
        for method in methods
    }
    lines = [
        "| methods | " + " | ".join(_heading(column) for column in columns) + " |",
        "| --- |" + " :-: |" * len(columns),
    ]
    for (resource, marks), group in groupby(
        sorted(rows, key=lambda method: _place(method, rows[method])),
        key=lambda method: (_resource(method), rows[method]),
    ):
        names = ", ".join(f"`{method.removeprefix(resource + '.')}`" for method in group)
        label = names.strip("`()") if resource == "" else f"**{resource}**: {names}"
        lines.append(f"| {label} | " + " | ".join(marks) + " |")
    lines += ["", "✓ called over a socket, results checked; – not in that version."]
    lines += ["`models.delete` is refused with its reason: nothing here is fine-tuned."]
    return "\n".join(lines) + "\n"


def _age(name: str) -> tuple[bool, tuple[int, ...]]:
    return "node" in name, tuple(int(part) for part in name.rsplit("-", 1)[1].split("."))


def _heading(name: str) -> str:
    return name.removeprefix("openai-").replace("-", " ")


def _place(method: str, marks: tuple[str, ...]) -> tuple[bool, str, int, tuple[str, ...], str]:
    """Return what rows are sorted by: behaviours last, in a resource what works oftenest first."""
    resource = _resource(method)
    return not resource, resource, -marks.count(_MARKS["ok"]), marks, method


def _resource(method: str) -> str:
    return "" if method.startswith("(") else method.rpartition(".")[0]


def _mark(outcome: str) -> str:
    return _MARKS[outcome.partition(":")[0]]


def write_table(path: Path, matrix: Matrix) -> None:
    """Put the table between the two markers of a Markdown file.

    Raises:
        ValueError: The file has no such markers.
    """
    text = path.read_text(encoding="utf-8")
    path.write_text(replace_table(text, render(matrix)), encoding="utf-8")


def replace_table(text: str, table: str) -> str:
    """Return a text with the table between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} ... {END} in the text")
    return f"{before}{BEGIN}\n{table}{END}{after}"
