"""Archives: the outside of zip-based formats (docx, pptx, xlsx), checked before anything parses it.

bytes -> ZipFile whose unpacked size is bounded, and XML trees parsed without entities or network.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from lxml import etree

from filesearch.errors import InvalidFile
from filesearch.load.options import MAX_UNPACKED_BYTES

# Office files unpack to a few times their size; the largest honest ones seen are under 300 MB.
MAX_RATIO = 200
"""XML packs 10:1 to 50:1; deflate ends at 1032:1, which only bombs come near."""
RATIO_MATTERS_BYTES = 32 * 1024 * 1024
"""Below this unpacked size a high ratio does no harm (an empty sheet with many styles has one)."""


def open_archive(data: bytes, filename: str) -> zipfile.ZipFile:
    """Open a zip container whose declared sizes are within bounds.

    Raises:
        InvalidFile: Not a whole zip file, encrypted, or larger unpacked than is taken.
    """
    archive = open_zip(data, filename)
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        raise InvalidFile(
            f"{filename!r} unpacks to {unpacked >> 20} MiB, more than the "
            f"{MAX_UNPACKED_BYTES >> 20} MiB that are taken; split the file"
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise InvalidFile(f"{filename!r} is encrypted with a password; save it without one")
    return archive


def open_zip(data: bytes, filename: str) -> zipfile.ZipFile:
    """Open a zip container that is no bomb by what it declares; it may be large or encrypted.

    Raises:
        InvalidFile: Not a whole zip file, or one that packs tighter than honest data does.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise InvalidFile(
            f"{filename!r} is not a whole zip container ({error}); it may have been cut off, "
            "copy or save it again"
        ) from error
    unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > RATIO_MATTERS_BYTES and unpacked > MAX_RATIO * len(data):
        raise InvalidFile(
            f"{filename!r} unpacks to {unpacked // max(len(data), 1)} times its size, more than "
            f"the {MAX_RATIO} times that are taken; it looks like a zip bomb"
        )
    return archive


def read_part(archive: zipfile.ZipFile, name: str) -> bytes | None:
    """Return one part, or None when there is no such part or it is damaged.

    Names compare without case and leading slash, as the Open Packaging Conventions ask.
    A part cannot give more bytes than it declared (and `open_archive` added up).
    """
    wanted = name.lstrip("/").lower()
    for entry in archive.infolist():
        if entry.filename.lstrip("/").replace("\\", "/").lower() == wanted:
            try:
                # Not archive.read: it unpacks all there is before it looks at what was declared.
                with archive.open(entry) as part:
                    return part.read(entry.file_size)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
                return None
    return None


def parse_xml(data: bytes) -> etree._Element | None:
    """Return the root of an XML part, mended where it is broken, or None when nothing is left.

    Entities are not resolved, nothing is fetched, and libxml2's bounds on depth and size hold.

    Raises:
        RecursionError: Nested deeper than libxml2 reads; `load` says so.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, recover=True, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        root = None
    require_not_cut(parser)
    return root


def require_not_cut(parser: etree.XMLParser | etree.HTMLParser) -> None:
    """Raise RecursionError if libxml2 stopped at elements 256 deep: what follows is lost to us."""
    if any(entry.message.startswith("Excessive depth") for entry in parser.error_log):
        raise RecursionError("elements are nested over 256 deep")


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return the relations of a part: id -> (last word of the type, name of the target part).

    Empty when it has none. Targets outside the container are left out.
    """
    folder, _, name = part.rpartition("/")
    data = read_part(archive, f"{folder}/_rels/{name}.rels".lstrip("/"))
    root = parse_xml(data) if data else None
    found: dict[str, tuple[str, str]] = {}
    for node in root if root is not None else ():
        target = node.get("Target")
        if target and node.get("TargetMode") != "External":
            kind = str(node.get("Type", "")).rsplit("/", 1)[-1]
            found[str(node.get("Id", ""))] = (kind, _resolve(folder, str(target)))
    return found


def _resolve(folder: str, target: str) -> str:
    if target.startswith("/"):
        return target.lstrip("/")
    steps: list[str] = folder.split("/") if folder else []
    for step in target.split("/"):
        if step == ".." and steps:
            steps.pop()
        elif step not in ("..", ".", ""):
            steps.append(step)
    return "/".join(steps)
