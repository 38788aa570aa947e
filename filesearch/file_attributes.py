"""File attributes: what a file, its path, its sidecar and the caller say of it -> its attributes.

Later ones win: the file itself (front matter, mail headers), a pattern over its path, the sidecar
`NAME.ext.meta.json` beside it, what the caller gives. Each layer is kept apart in the catalog, so
that a run that gives no pattern or attributes leaves those of an earlier run as they are, while a
sidecar counts as it is now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from filesearch.attributes import MAX_ATTRIBUTES, check_attributes
from filesearch.errors import InvalidFile, InvalidSetting
from filesearch.path_pattern import PathPattern, parse_path_pattern
from filesearch.records import AttributeLayers
from filesearch.types import Attributes
from filesearch.visible import is_visible_file, open_file

SIDECAR_SUFFIX = ".meta.json"
# Sixteen values of 512 characters each take a tenth of this.
_MAX_SIDECAR_BYTES = 256 * 1024


def sidecar_of(path: Path) -> Path:
    """Return where the sidecar of a file would stand."""
    return path.with_name(path.name + SIDECAR_SUFFIX)


def described_by(path: Path) -> Path | None:
    """Return the file that `path` is the sidecar of; None when it is an ordinary file.

    The file must be there; the sidecar need not be there any more.
    """
    name = path.name.removesuffix(SIDECAR_SUFFIX)
    if name in ("", path.name):
        return None
    described = path.with_name(name)
    return described if is_visible_file(described) else None


def read_sidecar(path: Path) -> tuple[Attributes, tuple[str, ...]]:
    """Return the attributes that stand beside the file `path`, and what was left out of them.

    Without a sidecar, or where a symbolic link stands in its place, there are none.

    Raises:
        InvalidFile: It is not a JSON object in UTF-8, or cannot be read.
    """
    sidecar = sidecar_of(path)
    if not is_visible_file(sidecar):
        return {}, ()
    try:
        with open_file(sidecar) as file:
            data = file.read(_MAX_SIDECAR_BYTES + 1)
        if len(data) > _MAX_SIDECAR_BYTES:
            raise InvalidFile(
                f"{sidecar.name!r} is longer than {_MAX_SIDECAR_BYTES // 1024} KiB; "
                "it is to hold a few attributes"
            )
        values = json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise InvalidFile(f"{sidecar.name!r} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidFile(f"{sidecar.name!r} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise InvalidFile(
            f'{sidecar.name!r} holds no JSON object; write one such as {{"year": 2025}}'
        )
    return keep_usable(values, sidecar.name)


def keep_usable(values: Mapping[str, object], source: str) -> tuple[Attributes, tuple[str, ...]]:
    """Return the values that can be attributes, and a sentence about each other one.

    Args:
        values: As they were found.
        source: What says so, for the sentences.
    """
    kept: Attributes = {}
    warnings = []
    for name, value in values.items():
        try:
            kept |= check_attributes({name: value})
        except InvalidSetting as error:
            warnings.append(f"{source}: {error}; it is left out")
    return kept, tuple(warnings)


@dataclass(frozen=True, slots=True)
class FileAttributes:
    """What a file carries from now on.

    Attributes:
        layers: What each source says.
        merged: All of it, at most 16; what the weaker layers say goes first.
        warnings: What was left out, one sentence each.
    """

    layers: AttributeLayers
    merged: Attributes
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributeRules:
    """Where the attributes of the files of a run come from.

    Attributes:
        given: For every file; checked.
        patterns: What paths say. Of several that match, the later ones win.
        from_columns: Whether the rows of tables have attributes by their columns; None leaves
            known files as they are. See row_attributes.py.
    """

    given: Attributes = field(default_factory=dict)
    patterns: tuple[PathPattern, ...] = ()
    from_columns: bool | None = None

    @staticmethod
    def parse(
        given: Attributes | None = None,
        from_path: str | Sequence[str] = (),
        from_columns: bool | None = None,
    ) -> AttributeRules:
        """Return what a caller says as rules; see the attributes.

        Args:
            from_path: One pattern or several; see path_pattern.py.

        Raises:
            InvalidSetting: An attribute or a pattern cannot be used.
        """
        patterns = [from_path] if isinstance(from_path, str) else from_path
        return AttributeRules(
            check_attributes(given or {}), tuple(map(parse_path_pattern, patterns)), from_columns
        )

    def apply(
        self, own: Attributes, known: AttributeLayers | None, *, path: Path | None, filename: str
    ) -> FileAttributes:
        """Return the attributes of a file.

        Args:
            own: What the file says itself.
            known: Its layers in the index; None for a new file.
            path: Where it lies; None for a document that was given as text.
            filename: What citations show of its path.
        """
        layers = replace(known or AttributeLayers(), own=own)
        warnings: tuple[str, ...] = ()
        if self.given:
            layers = replace(layers, given=self.given)
        if path is not None and self.patterns:
            found: dict[str, object] = {}
            for pattern in self.patterns:
                found |= pattern.match(filename, path)
            usable, warnings = keep_usable(found, "its path")
            layers = replace(layers, path=usable)
        if path is not None:
            try:
                sidecar, left_out = read_sidecar(path)
                layers = replace(layers, sidecar=sidecar)
            except InvalidFile as error:
                left_out = (f"{error}; its attributes are left as they were",)
            warnings += left_out
        return _merge(layers, warnings)


def _merge(layers: AttributeLayers, warnings: tuple[str, ...]) -> FileAttributes:
    in_order = (layers.own, layers.path, layers.sidecar, layers.given)
    strongest = dict.fromkeys(name for layer in reversed(in_order) for name in layer)
    kept = set(list(strongest)[:MAX_ATTRIBUTES])
    merged = {name: value for layer in in_order for name, value in layer.items() if name in kept}
    left_out = [name for name in strongest if name not in kept]
    if left_out:
        warnings += (
            f"a file carries {MAX_ATTRIBUTES} attributes; left out: {', '.join(left_out)}",
        )
    return FileAttributes(layers, merged, warnings)
