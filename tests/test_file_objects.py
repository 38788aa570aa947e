"""Files that are uploaded, on each database."""

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from filesearch.blobs import FolderBlobStore
from filesearch.catalog import Catalog
from filesearch.errors import NotFound
from filesearch.file_objects import FileObjects, safe_name
from filesearch.paging import PageQuery


@pytest.fixture
def blobs(tmp_path):
    return FolderBlobStore(tmp_path / "blobs")


@pytest.fixture
def files(url, blobs):
    catalog = Catalog(url)
    yield FileObjects(catalog, blobs)
    catalog.close()


def added(files, data=b"mug", filename="mug.txt", **options):
    return files.add(io.BytesIO(data), filename, "assistants", **options)


def content(files, file_id):
    with files.open(file_id) as stream:
        return stream.read()


def ids(page):
    return [file.id for file in page.items]


def kept(tmp_path):
    return [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


def test_the_bytes_of_a_file_come_back(files):
    file = added(files, b"m\x00g")
    assert content(files, file.id) == b"m\x00g"
    assert (file.size_bytes, files.get(file.id)) == (3, file)


def test_files_are_listed_newest_first(files):
    first, second = added(files), added(files)
    assert ids(files.page(PageQuery())) == [second.id, first.id]


def test_files_are_listed_by_purpose(files):
    added(files)
    other = files.add(io.BytesIO(b""), "x", "batch")
    assert ids(files.page(PageQuery(), purpose="batch")) == [other.id]


def test_a_list_goes_on_behind_a_file_that_is_gone(files):
    first, second, third = (added(files) for _ in range(3))
    files.delete(second.id)
    assert ids(files.page(PageQuery(after=second.id))) == [first.id]
    assert ids(files.page(PageQuery(after=second.id, order="asc"))) == [third.id]


def test_the_files_of_another_owner_are_not_there(files):
    file = added(files, owner="key_a")
    assert not files.page(PageQuery(), owner="key_b").items
    for deed in (files.get, files.open, files.delete):
        with pytest.raises(NotFound, match=file.id):
            deed(file.id, owner="key_b")


def test_bytes_go_with_the_last_file_that_has_them(files, tmp_path):
    first, second = added(files), added(files)
    files.delete(first.id)
    assert content(files, second.id) == b"mug"
    files.delete(second.id)
    assert not kept(tmp_path)


def test_an_expired_file_is_not_found_and_goes_when_it_is_purged(files, tmp_path, monkeypatch):
    file, other = added(files, expires_after_s=3600), added(files, b"kiln")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    with pytest.raises(NotFound):
        files.get(file.id)
    assert ids(files.page(PageQuery())) == [other.id]
    assert files.purge() == 1
    assert len(kept(tmp_path)) == 1


def test_what_a_killed_process_left_goes_when_it_is_purged(files, tmp_path):
    added(files)
    half = tmp_path / "blobs" / "incoming-x"
    half.write_bytes(b"half")
    os.utime(half, (0, 0))
    files.purge()
    assert not half.exists()
    assert len(kept(tmp_path)) == 1


def test_a_deleted_file_leaves_every_store(make_fs, docs):
    fs = make_fs()
    fs.ingest(docs)
    files = fs.file_objects
    mugs = next(f for f in files.page(PageQuery()).items if f.filename == "mugs.md")
    assert fs.search("mug returned")[0].file_id == mugs.id
    files.delete(mugs.id)
    assert mugs.id not in {result.file_id for result in fs.search("mug returned")}
    assert len(files.page(PageQuery()).items) == 2


def test_no_file_loses_its_bytes_to_the_deletion_of_a_copy(files):
    def add_and_delete(_worker):
        for _ in range(15):
            file = added(files)
            assert content(files, file.id) == b"mug"
            files.delete(file.id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_and_delete, range(4)))


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Q3 report.pdf", "Q3 report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\docs\\mug.txt", "mug.txt"),
        ("/", "upload"),
        ("..", "upload"),
        ("", "upload"),
        ("mug\x00.txt\r\n", "mug.txt"),
        ("\u202efdp.exe", "fdp.exe"),
        ("\ud800mug.txt", "mug.txt"),
        ("x" * 1000 + ".txt", "x" * 251 + ".txt"),
        ("釉" * 1000 + ".md", "釉" * 84 + ".md"),
        ("a." + "b" * 1000, "a." + "b" * 253),
        (".bashrc", ".bashrc"),
        ("گزارش\u200cها.docx", "گزارش\u200cها.docx"),
    ],
)
def test_a_name_is_kept_where_it_does_no_harm(name, stored):
    assert safe_name(name) == stored
