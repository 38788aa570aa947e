"""Plot: the figures of an evaluation -> a PNG file.

Needs the extra `eval` (matplotlib). No display is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from filesearch.errors import InvalidSetting, NotFound
from filesearch.evaluation.measures import MEASURES

if TYPE_CHECKING:
    from filesearch.evaluation.running import Evaluation


def check_plot(path: Path) -> None:
    """Refuse, before minutes are spent, what could not be drawn.

    Raises:
        InvalidSetting: The extra is not installed, or `path` does not end in .png.
        NotFound: The folder of `path` does not exist.
    """
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise InvalidSetting(
            "drawing a plot needs an extra; run: pip install 'filesearch[eval]'"
        ) from error
    if path.suffix.lower() != ".png":
        raise InvalidSetting(f"the plot is a PNG file; '{path}' should end in .png")
    if not path.parent.is_dir():
        raise NotFound(f"the folder of '{path}' does not exist; make it first")


def draw_plot(evaluation: Evaluation, path: Path) -> None:
    """Write a PNG: each measure for each stage as bars, and the latency of each stage."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    quality, latency = figure.subplots(1, 2, width_ratios=(3, 1))
    outcomes = evaluation.outcomes
    places = np.arange(len(MEASURES))
    width = 0.8 / len(outcomes)
    for number, outcome in enumerate(outcomes):
        bars = quality.bar(
            places + (number - (len(outcomes) - 1) / 2) * width,
            [outcome.mean(name) for name in MEASURES],
            width,
            label=outcome.stage,
        )
        quality.bar_label(bars, fmt="%.3f", fontsize=6, rotation=90, padding=2)
    quality.set_xticks(places, list(MEASURES))
    quality.set_ylim(0, 1.15)
    quality.set_title(f"{evaluation.dataset}, {evaluation.query_count} queries")
    quality.legend(ncols=len(outcomes), fontsize=8, loc="upper left")
    names = [outcome.stage for outcome in outcomes]
    for percent, shade in ((95, "lightsteelblue"), (50, "steelblue")):
        heights = [outcome.percentile_ms(percent) for outcome in outcomes]
        latency.bar(names, heights, color=shade, label=f"p{percent}")
    latency.margins(y=0.15)  # room for the legend
    latency.set_title("ms per query")
    latency.tick_params("x", labelrotation=45)
    latency.legend(ncols=2, fontsize=8, loc="upper left")
    figure.savefig(path, format="png", dpi=150)
