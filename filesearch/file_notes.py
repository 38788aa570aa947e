"""File notes: what an ingest learns about files whose content stays -> their rows.

Stamps, attributes, and newer versions that cannot be read: many at a time, in the transaction of
the caller, because each one is written down durably and has every reader look anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, update

from filesearch import rows
from filesearch import schema as t
from filesearch.records import AttributeLayers
from filesearch.types import Attributes, ErrorCode


@dataclass(slots=True)
class FileNotes:
    """What is to be noted, by file ids.

    Attributes:
        stamps: Of files whose content is what the index holds.
        attributes: In place of those that a file has, and what they were merged of; without that,
            all of them are the caller's.
        errors: Why the newer version of a searchable file cannot be read; (None, "") takes it back.
    """

    stamps: dict[str, int] = field(default_factory=dict)
    attributes: dict[str, tuple[Attributes, AttributeLayers | None]] = field(default_factory=dict)
    errors: dict[str, tuple[ErrorCode | None, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.stamps or self.attributes or self.errors)


def write_notes(sql: Connection, store_id: str, notes: FileNotes) -> None:
    """Note all that is known of files in a store; ids that it has not are passed over.

    Readers are told once, and only where attributes are among it.
    """
    sf = t.store_files.c
    for file_id, stamp in notes.stamps.items():
        sql.execute(update(t.files).where(t.files.c.id == file_id).values(modified_ns=stamp))
    changed: dict[str, dict[str, object]] = {}
    for file_id, (attributes, layers) in notes.attributes.items():
        changed[file_id] = {
            "attributes": rows.encode_json(attributes),
            "attribute_layers": rows.encode_layers(layers),
        }
    for file_id, (code, error) in notes.errors.items():
        changed.setdefault(file_id, {}).update(error_code=code, error=error)
    for file_id, values in changed.items():
        row = update(t.store_files).where(sf.store_id == store_id, sf.file_id == file_id)
        sql.execute(row.values(values))
    if notes.attributes:
        rows.bump_generation(sql, store_id, attributes_changed=True)
