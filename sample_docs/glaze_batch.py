"""Scale a glaze recipe to a bucket, and estimate how long a firing takes.

Used in the glaze room at Heron Lane Pottery, so that nobody has to do percentages on the back of a clay bag.

    >>> celadon = Recipe("Celadon 4", {"potash feldspar": 40, "quartz": 28, "whiting": 18, "kaolin": 14}, {"iron oxide": 1.5})
    >>> batch = scale(celadon, dry_kg=5)
    >>> batch.grams["quartz"]
    1400.0
    >>> batch.water_litres
    4.25

Additions (colourants, suspenders) are counted on top of 100%, as potters do.
Run it with `python glaze_batch.py 5` to print the sheet for 5 kg of the house celadon.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

WATER_LITRES_PER_KG = 0.85
"""Litres of water for each kilogram of dry base, for dipping. Brushing glaze takes less: 0.6."""

MAX_DRY_KG = 10.0
"""The most we mix at once, because of dust. The staff handbook says why."""

SIEVE_MESH = {"celadon": 100, "ash": 60, "liner": 80}
"""Mesh number of the sieve for each family of glazes. Ash glazes lose their speckle in a finer one."""

CONE_CELSIUS = {"04": 1060, "6": 1222, "8": 1249, "9": 1260, "10": 1285}
"""End temperature of large cones at 60 °C an hour, rounded; the last hour decides."""


class RecipeError(ValueError):
    """A recipe does not add up, or a batch is too large to mix safely."""


@dataclass(frozen=True)
class Recipe:
    """A glaze recipe in percent.

    Attributes:
        name: What is written on the bucket.
        base: Material to percent. Must add up to 100, give or take 0.5.
        additions: Material to percent of the base, on top of it.
    """

    name: str
    base: dict[str, float]
    additions: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        total = sum(self.base.values())
        if abs(total - 100) > 0.5:
            raise RecipeError(
                f"{self.name!r} adds up to {total:g}%, not 100%: check the base materials"
            )


@dataclass(frozen=True)
class Batch:
    """What to weigh for one bucket: grams per material and litres of water."""

    recipe: Recipe
    grams: dict[str, float]
    water_litres: float


@dataclass(frozen=True)
class Segment:
    """One leg of a firing: go to `target` °C at `rate` °C an hour, then stay for `hold_minutes`."""

    target: float
    rate: float
    hold_minutes: float = 0


def scale(recipe: Recipe, dry_kg: float) -> Batch:
    """Return the weights for `dry_kg` kilograms of dry base.

    Raises:
        RecipeError: `dry_kg` is not above zero or is more than MAX_DRY_KG.
    """
    if not 0 < dry_kg <= MAX_DRY_KG:
        raise RecipeError(
            f"{dry_kg:g} kg is outside 0 to {MAX_DRY_KG:g} kg: split it into several buckets"
        )
    parts = {**recipe.base}
    for name, percent in recipe.additions.items():
        parts[name] = parts.get(name, 0) + percent
    grams = {name: round(percent * dry_kg * 10.0, 1) for name, percent in parts.items()}
    return Batch(recipe, grams, round(dry_kg * WATER_LITRES_PER_KG, 2))


def firing_hours(segments: list[Segment], start: float = 20) -> float:
    """Return how many hours a firing takes, cooling not included.

    A segment may go down (a slow cooling from 1,100 °C grows crystals in matt glazes); its rate is positive all the same.
    """
    hours, now = 0.0, start
    for segment in segments:
        if segment.rate <= 0:
            raise ValueError(f"rate is {segment.rate:g} °C an hour; it must be above zero")
        hours += abs(segment.target - now) / segment.rate + segment.hold_minutes / 60
        now = segment.target
    return round(hours, 2)


def sheet(batch: Batch) -> str:
    """Return the batch as lines to pin above the scales, heaviest material first."""
    lines = [f"{batch.recipe.name}: {sum(batch.grams.values()):.0f} g dry"]
    for name, grams in sorted(batch.grams.items(), key=lambda item: -item[1]):
        lines.append(f"  {grams:8.1f} g  {name}")
    lines.append(f"  {batch.water_litres:8.2f} l  water, then sieve twice and leave overnight")
    return "\n".join(lines)


HOUSE_CELADON = Recipe(
    "Celadon 4",
    {"potash feldspar": 40, "quartz": 28, "whiting": 18, "kaolin": 14},
    {"iron oxide": 1.5, "bentonite": 2},
)

BISCUIT = [Segment(120, 60, hold_minutes=60), Segment(600, 80), Segment(1000, 120, hold_minutes=15)]
"""Biscuit firing for pots up to 12 mm thick. Thicker ones stay at 120 °C for three hours."""


if __name__ == "__main__":
    kilograms = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    print(sheet(scale(HOUSE_CELADON, kilograms)))
    print(f"\nBiscuit firing: {firing_hours(BISCUIT)} hours to the top")
