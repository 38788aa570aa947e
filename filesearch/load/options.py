"""Load options: what the caller decides about how a file is read, beyond its bytes and name."""

from __future__ import annotations

from typing import Literal

import msgspec

OcrMode = Literal["auto", "off", "all"]
MAX_DEPTH = 3
"""How deep containers may stand in each other: an archive in a mail in an archive, no deeper."""

MAX_MEMBERS = 10_000
"""How many files one container may hold, whatever containers they stand in."""
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
"""How many bytes those may have together."""


class Budget(msgspec.Struct, kw_only=True):
    """What the members of one container have used up so far; shared by those within them."""

    members: int = 0
    unpacked_bytes: int = 0


class LoadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How files are read.

    Attributes:
        ocr: Read text out of pictures: "auto" images and pages without text, "all" also pictures
            within documents that have text, "off" none.
        page_timeout_s: Longest time one page may take; it is skipped with a warning then.
        depth: How many containers the file stands in; 0 for one that was given itself.
        budget: Of the outermost container; None outside of any.
        skip_pages: Pages to leave out, as `page_clock.page_key` names them: those that took too
            long when the file was tried before.
    """

    ocr: OcrMode = "auto"
    page_timeout_s: float = 5.0
    depth: int = 0
    budget: Budget | None = None
    skip_pages: tuple[str, ...] = ()

    def inside(self) -> LoadOptions:
        """Return the options for what a container holds; to be asked for once per container."""
        budget = self.budget or Budget()
        return msgspec.structs.replace(self, depth=self.depth + 1, budget=budget)
