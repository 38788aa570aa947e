"""Members: the files within a file (an archive, a mail, a mailbox) -> parts of its Document.

bytes and a label -> Document -> a part. What a container holds draws on one `Budget`, whatever
containers stand in it: a bomb that hides in nested archives is one bomb.
"""

from __future__ import annotations

from collections.abc import Callable

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.compose import Composer
from filesearch.load.options import MAX_DEPTH, MAX_MEMBERS, MAX_UNPACKED_BYTES, LoadOptions
from filesearch.types import Document

MAX_MEMBER_BYTES = 128 * 1024 * 1024
"""A larger file within a file is left out: it would fill the worker's memory alone."""
_MAX_REASONS = 20
"""How many members are told apart in warnings; the rest is counted."""
_MAX_NAMED = 5
_JUNK = frozenset(("__macosx", "thumbs.db", "desktop.ini"))


class Members:
    """Reads the members of one container and tells once what was left out.

    Args:
        composer: Of the container; `add` appends to it.
        options: Of the container.

    Raises:
        InvalidFile: The container stands in as many others as are opened.
    """

    def __init__(self, composer: Composer, options: LoadOptions) -> None:
        if options.depth >= MAX_DEPTH:
            raise InvalidFile(
                f"{composer.filename!r} stands in {options.depth} other containers; no more than "
                f"{MAX_DEPTH} within each other are opened"
            )
        self.options = options.inside()
        self._composer = composer
        self._added = 0
        self._unsupported: list[str] = []
        self._reasons: list[str] = []

    limits = (
        f"no more is taken than {MAX_MEMBER_BYTES >> 20} MiB in one file, "
        f"{MAX_UNPACKED_BYTES >> 20} MiB and {MAX_MEMBERS:,} files in one container"
    )

    @property
    def bytes_left(self) -> int:
        """How many bytes the next member may have; 0 when the budget is spent."""
        budget = self.options.budget
        assert budget is not None, "inside() gives one"
        if budget.members >= MAX_MEMBERS:
            return 0
        return min(MAX_MEMBER_BYTES, MAX_UNPACKED_BYTES - budget.unpacked_bytes)

    def read(self, label: str, data: bytes) -> Document | None:
        """Return the Document of a member named `label`, or None and note why there is none."""
        return self.compose(label, len(data), lambda: load(data, label, self.options))

    def compose(self, label: str, size_bytes: int, make: Callable[[], Document]) -> Document | None:
        """Return the Document that `make` gives for a member, or None and note why not."""
        budget = self.options.budget
        assert budget is not None, "inside() gives one"
        if size_bytes > self.bytes_left:
            self.leave_out(f"{label!r} was left out: {self.limits}")
            return None
        budget.members += 1
        budget.unpacked_bytes += size_bytes
        try:
            return make()
        except UnsupportedFile:
            self._unsupported.append(label)
        except InvalidFile as error:
            self.leave_out(str(error))
        return None

    def add(self, label: str, document: Document) -> None:
        """Append a member's Document as the next part."""
        self._added += 1
        self._composer.add_part(self._added, label, document)

    def leave_out(self, reason: str) -> None:
        """Note why a member is missing."""
        self._reasons.append(reason)

    def leave_out_unsupported(self, label: str) -> None:
        """Note a member of a format that is not read."""
        self._unsupported.append(label)

    def finish(self) -> None:
        """Warn of what was left out.

        Raises:
            UnsupportedFile: The container has no text, and all it holds are formats not read here.
            InvalidFile: The container has no text; the message says why.
        """
        if self._unsupported:
            count = len(self._unsupported)
            names = ", ".join(repr(name) for name in self._unsupported[:_MAX_NAMED])
            more = ", ..." if count > _MAX_NAMED else ""
            self._reasons.append(f"{count} files of formats that are not read here: {names}{more}")
        if not self._composer.position:
            what = "; ".join(self._reasons[:3]) or "it holds no files"
            if self._unsupported and len(self._reasons) == 1:
                raise UnsupportedFile(f"{self._composer.filename!r} holds nothing to read: {what}")
            raise InvalidFile(f"{self._composer.filename!r} holds nothing to read: {what}")
        for reason in self._reasons[:_MAX_REASONS]:
            self._composer.warn(reason)
        if len(self._reasons) > _MAX_REASONS:
            self._composer.warn(f"{len(self._reasons) - _MAX_REASONS} more files were left out")


def member_path(name: str) -> str:
    """Return the path of a member for people, or "" for one that nobody means as a document.

    Nothing is ever written, so that ".." and absolute paths do no harm; they are not shown.
    Hidden files, and what macOS and Windows leave in folders, are nobody's documents.
    """
    steps = [step for step in name.replace("\\", "/").split("/") if step not in ("", ".", "..")]
    if steps and len(steps[0]) == 2 and steps[0][1] == ":":
        steps = steps[1:]  # C:
    if not steps or any(step[0] in ".~" or step.lower() in _JUNK for step in steps):
        return ""
    return "/".join(steps)
