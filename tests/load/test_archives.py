"""Archives as folders: zip, tar, and single compressed files; bombs of all of them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.containers import members
from filesearch.load.containers.members import member_path
from filesearch.types import Document

FILES = {
    "b/notes.md": b"# Glaze\n\nFire at 1240 degrees.",
    "a.txt": b"Mugs can go back.",
    ".git/config": b"hidden",
    "__MACOSX/._a.txt": b"junk",
    "b/film.gif": b"GIF89a\x00\x00",
}


def make_zip(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def make_tar(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def parts(document: Document) -> list[tuple[int, str]]:
    return [(s.number, s.label) for s in document.spans if s.kind == "part"]


MADE = {
    "x.zip": make_zip(FILES),
    "x.tar": make_tar(FILES),
    "x.tar.gz": make_tar(FILES, "w:gz"),
    "x.tgz": make_tar(FILES, "w:gz"),
    "x.tar.bz2": make_tar(FILES, "w:bz2"),
    "x.tar.xz": make_tar(FILES, "w:xz"),
    "no extension": make_zip(FILES),
}


@pytest.mark.parametrize("name", MADE)
def test_files_become_parts_by_path(name: str, keeps_promises: Callable[[Document], None]) -> None:
    document = load(MADE[name], name)
    keeps_promises(document)
    assert parts(document) == [(1, "a.txt"), (2, "b/notes.md")]
    assert document.text == (
        "a.txt\n\nMugs can go back.\n\nb/notes.md\n\n# Glaze\n\nFire at 1240 degrees."
    )
    [span] = [s for s in document.spans if s.label == "Glaze"]
    assert document.text[span.start :].startswith("# Glaze")
    assert document.warnings == ("1 files of formats that are not read here: 'b/film.gif'",)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_one_compressed_file_is_read_as_what_it_is(pack: Callable[[bytes], bytes]) -> None:
    ending = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz"}[pack]
    document = load(pack(b"# Glaze\n\nHot."), f"notes.md.{ending}")
    assert document.text == "# Glaze\n\nHot."
    assert document.media_type == "text/markdown"


def test_a_damaged_member_is_a_warning() -> None:
    document = load(make_zip({"a.txt": b"Mugs.", "b.docx": b"PK\x03\x04 no"}), "x.zip")
    assert parts(document) == [(1, "a.txt")]
    assert "'b.docx' is not a whole zip container" in document.warnings[0]


def test_a_cut_tar_keeps_what_came_before_the_cut() -> None:
    files = {"a.txt": b"Mugs. " * 40, "b.txt": os.urandom(40_000).hex().encode()}
    document = load(make_tar(files, "w:gz")[:20_000], "x.tar.gz")
    assert parts(document) == [(1, "a.txt")]
    assert "read up to a damage" in document.warnings[0]


@pytest.mark.parametrize("name", ["../../etc/passwd.txt", "/etc/passwd.txt", "C:\\etc\\passwd.txt"])
def test_paths_that_lead_out_are_shown_harmlessly(name: str) -> None:
    document = load(make_zip({name: b"x"}), "x.zip")
    assert parts(document)[0][1].endswith("etc/passwd.txt")
    assert not parts(document)[0][1].startswith(("/", ".", "C:"))


@given(st.text(max_size=30))
def test_a_member_path_never_leads_out_and_never_hides(name: str) -> None:
    path = member_path(name)
    assert not path.startswith("/")
    assert not any(step[:1] in (".", "") for step in path.split("/")) or not path


def test_links_and_devices_are_passed_over() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo("link.txt")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        entry = tarfile.TarInfo("a.txt")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"Mugs"))
    assert load(out.getvalue(), "x.tar").text == "a.txt\n\nMugs"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("a.txt", "Mugs")
    assert load(out.getvalue(), "x.zip").text == "a.txt\n\nMugs"


def encrypted(data: bytes, name: bytes) -> bytes:
    """Set the flag of encryption in a file's both headers."""
    found = bytearray(data)
    for magic, flag_at, name_at in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        at = found.find(magic)
        while at >= 0:
            if found[at + name_at :].startswith(name):
                found[at + flag_at] |= 1
            at = found.find(magic, at + 4)
    return bytes(found)


def test_encrypted_members_are_left_out_with_a_warning() -> None:
    data = make_zip({"a.txt": b"Mugs", "b.txt": b"secret"})
    document = load(encrypted(data, b"b.txt"), "x.zip")
    assert parts(document) == [(1, "a.txt")]
    assert document.warnings == ("1 files are encrypted with a password and were left out",)
    with pytest.raises(InvalidFile, match="encrypted with a password"):
        load(encrypted(make_zip({"b.txt": b"secret"}), b"b.txt"), "x.zip")


def test_names_without_the_flag_for_utf8_are_read() -> None:
    data = make_zip({"xx.txt": b"Mugs"}).replace(b"xx", "退".encode("gb18030"))
    assert parts(load(data, "x.zip")) == [(1, "退.txt")]


@pytest.mark.parametrize("name", ["x.jar", "x.apk", "x.whl"])
def test_program_packages_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedFile, match="program package"):
        load(make_zip({"LICENSE.txt": b"x"}), name)


def test_an_archive_of_other_formats_is_unsupported() -> None:
    with pytest.raises(UnsupportedFile, match="2 files of formats that are not read"):
        load(make_zip({"a.gif": b"GIF89a\x00", "b.mp3": b"ID3\x00\x00"}), "x.zip")


def test_an_archive_without_files_is_invalid() -> None:
    with pytest.raises(InvalidFile, match="holds no files"):
        load(make_zip({".hidden": b"x"}), "x.zip")


def nested(depth: int) -> bytes:
    data = b"Deep mugs."
    for level in range(depth):
        data = make_zip({"in.txt" if level == 0 else "in.zip": data, "beside.txt": b"Beside."})
    return data


def test_archives_nest_to_the_depth_that_is_taken() -> None:
    assert "Deep mugs." in load(nested(3), "x.zip").text
    document = load(nested(4), "x.zip")
    assert "Deep mugs." not in document.text
    assert "stands in 3 other containers" in " ".join(document.warnings)


# Bombs


def overlapping_bomb(copies: int, size: int) -> bytes:
    """A zip whose entries all point at one file: 42 kB that unpack to gigabytes."""
    single = make_zip({"a.txt": b"0" * size})
    start = single.index(b"PK\x01\x02")
    end = single.index(b"PK\x05\x06")
    directory = single[start:end] * copies
    closing = bytearray(single[end:])
    closing[8:12] = copies.to_bytes(2, "little") * 2
    closing[12:16] = len(directory).to_bytes(4, "little")
    return single[:start] + directory + bytes(closing)


def test_a_small_zip_of_gigabytes_is_refused_at_once() -> None:
    bomb = overlapping_bomb(200, 21_000_000)
    assert len(bomb) < 42_000
    start = time.process_time()
    with pytest.raises(InvalidFile, match="looks like a zip bomb"):
        load(bomb, "42.zip")
    assert time.process_time() - start < 1


def test_a_bomb_of_nested_zips_ends_fast_with_a_reason() -> None:
    data = make_zip({"0.txt": b"0" * 20_000_000})
    for _ in range(5):
        data = make_zip({f"{i}.zip": data for i in range(16)})
    start = time.process_time()
    with pytest.raises(InvalidFile, match="nothing to read"):
        load(data, "42.zip")
    assert time.process_time() - start < 20


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_bomb_ends_with_a_reason(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(InvalidFile, match="unpacks to more than"):
        load(pack(b"0" * 40_000_000), "x.gz")


def test_a_tar_bomb_keeps_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    document = load(make_tar({"a.txt": b"Mugs", "b.bin": bytes(40_000_000)}, "w:gz"), "x.tgz")
    assert parts(document) == [(1, "a.txt")]
    assert "unpacks to more than" in document.warnings[0]


def test_nested_archives_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_MEMBERS", 10)
    inner = make_zip({f"{i}.txt": b"Mugs" for i in range(4)})
    document = load(make_zip({f"{i}.zip": inner for i in range(4)}), "x.zip")
    assert document.text.count("Mugs") == 8
    assert "no more is taken than" in " ".join(document.warnings)


def test_a_member_over_the_bound_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_MEMBER_BYTES", 100)
    files = {"a.txt": b"Mugs", "b.txt": b"x" * 101}
    for name, data in (("x.zip", make_zip(files)), ("x.tar", make_tar(files))):
        document = load(data, name)
        assert parts(document) == [(1, "a.txt")]
        assert "'b.txt' was left out" in document.warnings[0]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6)
)
def test_damaged_archives_are_read_or_refused(
    changes: list[tuple[float, int]], keeps_promises: Callable[[Document], None]
) -> None:
    for name, data in MADE.items():
        damaged = bytearray(data)
        for place, value in changes:
            damaged[int(place * len(damaged))] = value
        try:
            document = load(bytes(damaged), name)
        except (InvalidFile, UnsupportedFile) as error:
            assert repr(name) in str(error)  # noqa: PT017 - either outcome is right
        else:
            keeps_promises(document)
