"""Outlook messages, written here as [MS-CFB] and [MS-OXMSG] describe them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.mail.outlook_rtf import unpack_rtf
from filesearch.types import Document

Tree = Mapping[str, "bytes | Tree"]
FREE, END, FAT_SECTOR, NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def write_container(tree: Tree) -> bytes:
    """Return an OLE container: version 3, sectors of 512 bytes, small streams in a mini stream."""
    entries: list[list[object]] = []  # name, type, right, child, start, size
    sectors: list[bytes] = []
    fat: list[int] = []
    mini = bytearray()
    mini_fat: list[int] = []

    def store(data: bytes) -> int:
        first = len(sectors)
        for at in range(0, len(data), 512):
            sectors.append(data[at : at + 512].ljust(512, b"\0"))
            fat.append(len(fat) + 1)
        if len(sectors) > first:
            fat[-1] = END
        return first if len(sectors) > first else END

    def store_small(data: bytes) -> int:
        first = len(mini_fat)
        for at in range(0, len(data), 64):
            mini.extend(data[at : at + 64].ljust(64, b"\0"))
            mini_fat.append(len(mini_fat) + 1)
        mini_fat[-1] = END
        return first

    def add(name: str, kind: int) -> list[object]:
        entry: list[object] = [name, kind, NONE, NONE, 0, 0]
        entries.append(entry)
        return entry

    def fill(folder: list[object], tree: Tree) -> None:
        before: list[object] | None = None
        for name in sorted(tree, key=lambda name: (len(name), name.upper())):
            number, value = len(entries), tree[name]
            entry = add(name, 2 if isinstance(value, bytes) else 1)
            if before is None:
                folder[3] = number
            else:
                before[2] = number  # a chain to the right is a binary tree too
            before = entry
            if not isinstance(value, bytes):
                fill(entry, value)
            elif value:
                entry[4] = store_small(value) if len(value) < 4096 else store(value)
                entry[5] = len(value)

    root = add("Root Entry", 5)
    fill(root, tree)
    root[4], root[5] = store(bytes(mini)), len(mini)
    first_mini_fat = store(struct.pack(f"<{len(mini_fat)}I", *mini_fat))
    directory = b"".join(
        name.encode("utf-16-le").ljust(64, b"\0")
        + struct.pack("<HBBIII", 2 * len(name) + 2, kind, 1, NONE, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
        for name, kind, right, child, start, size in entries
    )
    first_directory = store(directory.ljust(-len(directory) % 512 + len(directory), b"\0"))
    fat_sectors = 1
    while fat_sectors * 128 < len(fat) + fat_sectors:
        fat_sectors += 1
    first_fat = len(sectors)
    fat += [FAT_SECTOR] * fat_sectors
    fat += [FREE] * (fat_sectors * 128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xII", 0x3E, 3, 0xFFFE, 9, 6, 0, fat_sectors)
    header += struct.pack("<IIIIIII", first_directory, 0, 4096, first_mini_fat, 1, END, 0)
    places = [first_fat + i for i in range(fat_sectors)]
    header += struct.pack("<109I", *(places + [FREE] * (109 - fat_sectors)))
    return header + b"".join(sectors) + struct.pack(f"<{len(fat)}I", *fat)


def properties(header: int, **fixed: bytes) -> bytes:
    """Return a property stream; names are p and the id in hexadecimal."""
    entries = [
        struct.pack("<HHI8s", 0x40, int(name[1:], 16), 6, value) for name, value in fixed.items()
    ]
    return bytes(header) + b"".join(entries)


def text(number: str, value: str) -> dict[str, bytes]:
    return {f"__substg1.0_{number}001F": value.encode("utf-16-le")}


SENT = ((1740821400 + 11644473600) * 10_000_000).to_bytes(8, "little")  # 2025-03-01 09:30 UTC


def make_message(header: int = 32, **more: bytes | Tree) -> dict[str, bytes | Tree]:
    return {
        "__properties_version1.0": properties(header, p0039=SENT),
        **text("0037", "Rückgabe"),
        **text("0C1A", "Ann Bö"),
        **text("5D01", "ann@example.org"),
        **text("0E04", "Bo"),
        **text("1000", "Mugs can go back."),
        **more,
    }


def attach(name: str, data: bytes) -> Tree:
    return {
        "__properties_version1.0": properties(8),
        **text("3707", name),
        "__substg1.0_37010102": data,
    }


def parts(document: Document) -> list[tuple[int, str]]:
    return [(s.number, s.label) for s in document.spans if s.kind == "part"]


def test_a_message_reads_as_the_same_mail_in_eml(
    keeps_promises: Callable[[Document], None],
) -> None:
    document = load(write_container(make_message()), "a.msg")
    keeps_promises(document)
    assert document.text == (
        "From: Ann Bö <ann@example.org>\nTo: Bo\nDate: 2025-03-01 09:30 UTC\n"
        "Subject: Rückgabe\n\nMugs can go back."
    )
    assert document.title == "Rückgabe"
    assert document.attributes["date"] == "2025-03-01T09:30:00+00:00"


def test_attachments_small_and_large_and_messages_are_parts() -> None:
    inner = {
        "__properties_version1.0": properties(8),
        "__substg1.0_3701000D": make_message(24, **text("0037", "Plates")),
    }
    message = make_message(
        **{
            "__attach_version1.0_#00000000": attach("a.txt", b"Small words."),
            "__attach_version1.0_#00000001": attach("b.txt", b"Large words. " * 1000),
            "__attach_version1.0_#00000002": inner,
        }
    )
    document = load(write_container(message), "a.msg")
    assert parts(document) == [(1, "a.txt"), (2, "b.txt"), (3, "Plates")]
    assert document.text.count("Large words.") == 1000


def test_pictures_shown_in_the_body_are_left_out() -> None:
    picture = {**attach("a.png", b"\x89PNG\r\n\x1a\n"), **text("3712", "image001")}
    message = make_message(**{"__attach_version1.0_#00000000": picture})
    assert load(write_container(message), "a.msg").warnings == ()


def test_text_in_a_code_page_is_decoded_by_it() -> None:
    message = make_message()
    del message["__substg1.0_1000001F"]
    message["__substg1.0_1000001E"] = "Однажды".encode("cp1251")
    message["__properties_version1.0"] = properties(32, p3FFD=(1251).to_bytes(8, "little"))
    assert load(write_container(message), "a.msg").text.endswith("\n\nОднажды")


def test_an_html_body_is_read_where_there_is_no_other() -> None:
    message = make_message()
    del message["__substg1.0_1000001F"]
    message["__substg1.0_10130102"] = (
        b"<meta charset=utf-8><p>Mugs &amp; plates.<script>x()</script>"
    )
    assert load(write_container(message), "a.msg").text.endswith("\n\nMugs & plates.")


def test_compressed_rich_text_is_unpacked_as_the_specification_shows() -> None:
    """The example of [MS-OXRTFCP] 3.1.1."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
        "0af32068656c0900206277"
        "05b06c647d0a800fa0"
    )
    assert unpack_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_a_message_cut_off_is_invalid() -> None:
    data = write_container(make_message())
    with pytest.raises(InvalidFile, match=r"'a\.msg'"):
        load(data[:900] + "__properties_version1.0".encode("utf-16-le"), "a.msg")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_damaged_messages_are_read_or_refused(
    changes: list[tuple[float, int]], keeps_promises: Callable[[Document], None]
) -> None:
    attachment = {"__attach_version1.0_#00000000": attach("a.txt", b"Small words.")}
    damaged = bytearray(write_container(make_message(**attachment)))
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    try:
        document = load(bytes(damaged), "a.msg")
    except (InvalidFile, UnsupportedFile) as error:
        assert "a.msg" in str(error)  # noqa: PT017 - either outcome is right
    else:
        keeps_promises(document)
