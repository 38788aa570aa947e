"""Report: what a subcommand found -> Markdown for people, JSON for programs, charts as a PNG.

A subcommand yields a Report after every turn, each with all that is known so far; the last one is
what is printed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchError

_COLOURS = 32

Value = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        key: Of the figure in each row, and in the JSON.
        title: With its unit.
        form: Format specification for numbers, such as ",.1f".
    """

    key: str
    title: str
    form: str = ""

    def show(self, value: Value) -> str:
        """Return a value as the table shows it; None as an empty cell."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(value) if isinstance(value, str) else format(value, self.form)


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of one sort; a row is key -> value, and what it lacks is an empty cell."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Value]]

    def render(self) -> str:
        """Return Markdown; numbers stand right."""
        head = "| " + " | ".join(column.title for column in self.columns) + " |"
        rule = "|" + "|".join("---:" if column.form else "---" for column in self.columns) + "|"
        lines = [
            "| " + " | ".join(c.show(row.get(c.key)) for c in self.columns) + " |"
            for row in self.rows
        ]
        return "\n".join([f"**{self.title}**", "", head, rule, *lines])


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure that is to reach a bound.

    Attributes:
        figure: None when it could not be measured, which does not hold.
        bound: At least this where `is_least`, otherwise at most.
    """

    what: str
    figure: float | None
    bound: float
    is_least: bool = True

    @property
    def holds(self) -> bool:
        """Whether the figure reaches the bound."""
        if self.figure is None:
            return False
        return self.figure >= self.bound if self.is_least else self.figure <= self.bound


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one axis.

    Attributes:
        series: Name -> points (x, y), ordered by x.
    """

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    has_log_x: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """All that a subcommand has found so far.

    Attributes:
        measured: What exactly was measured, in sentences.
        errors: Contestant -> why it failed.
        raw: Figures that the tables are made of, for the JSON alone.
    """

    measured: str
    tables: Sequence[Table]
    claims: Sequence[Claim] = ()
    charts: Sequence[Chart] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    raw: Any = None

    def render(self) -> str:
        """Return the tables, claims and errors as Markdown."""
        parts = [self.measured, *(table.render() for table in self.tables)]
        if self.claims:
            parts.append(_claims_table(self.claims).render())
        parts += [f"FAILED {name}: {why}" for name, why in self.errors.items()]
        return "\n\n".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Return what `json` can write."""
        return {
            "measured": self.measured,
            "tables": {table.title: [dict(row) for row in table.rows] for table in self.tables},
            "claims": [asdict(claim) | {"holds": claim.holds} for claim in self.claims],
            "charts": [asdict(chart) for chart in self.charts],
            "errors": dict(self.errors),
            "raw": self.raw,
        }


def _claims_table(claims: Sequence[Claim]) -> Table:
    rows: list[dict[str, Value]] = [
        {
            "what": claim.what,
            "figure": claim.figure,
            "target": f"{'>=' if claim.is_least else '<='} {claim.bound:g}",
            "holds": claim.holds,
        }
        for claim in claims
    ]
    columns = (Column("what", "what"), Column("figure", "figure", ".3f"))
    return Table("targets", (*columns, Column("target", "target"), Column("holds", "holds")), rows)


def save_json(content: Mapping[str, Any], path: Path) -> None:
    """Write a file whole or not at all, so that an interrupted run leaves the last turn's."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(path)


def check_plot(path: Path) -> None:
    """Refuse, before minutes are spent, what could not be drawn.

    Raises:
        BenchError: matplotlib is missing, or `path` is no PNG in an existing folder.
    """
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise BenchError("--plot needs an extra; run: pip install 'filesearch[eval]'") from error
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        raise BenchError(f"--plot: '{path}' should end in .png and lie in a folder that exists")


def draw_charts(charts: Sequence[Chart], path: Path) -> None:
    """Write one PNG with all charts, side by side.

    Raises:
        BenchError: There is nothing to draw.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    if not charts:
        raise BenchError("--plot: this run has nothing to draw; leave the flag out")
    figure = Figure(figsize=(5.5 * len(charts), 4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, chart in zip(figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True):
        for name, points in chart.series.items():
            axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name)
        if chart.has_log_x:
            axes.set_xscale("log")
        axes.set(title=chart.title, xlabel=chart.x_label, ylabel=chart.y_label)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
    drawn = BytesIO()
    figure.savefig(drawn, dpi=100)
    # A few colours are enough for lines and letters, and take a third of the bytes.
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
