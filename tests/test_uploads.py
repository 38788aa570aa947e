"""Uploads in parts, on each database."""

import hashlib
import time

import pytest

from filesearch import uploads as uploads_module
from filesearch.blobs import FolderBlobStore
from filesearch.catalog import Catalog
from filesearch.errors import InputError, InvalidFile, NotFound
from filesearch.file_objects import FileObjects
from filesearch.objects import Objects
from filesearch.uploads import Uploads


@pytest.fixture
def catalog(url):
    catalog = Catalog(url)
    yield catalog
    catalog.close()


@pytest.fixture
def files(catalog, tmp_path):
    return FileObjects(catalog, FolderBlobStore(tmp_path / "blobs"))


@pytest.fixture
def uploads(catalog, files, tmp_path):
    return Uploads(Objects(catalog.database), files, tmp_path / "uploads")


def started(uploads, size_bytes=6, **options):
    return uploads.create("mug.txt", "assistants", size_bytes, "text/plain", **options)


def part(uploads, upload, data):
    with uploads.receive_part(upload.id) as incoming:
        incoming.write(data)
        return uploads.add_part(upload.id, incoming).id


def content(files, file_id):
    with files.open(file_id) as stream:
        return stream.read()


def lying(tmp_path):
    return [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_parts_become_a_file_in_the_order_given(uploads, files, tmp_path):
    upload = started(uploads, owner="key_a", expires_after_s=7200)
    second, first = part(uploads, upload, b"abc"), part(uploads, upload, b"xyz")
    done = uploads.complete(upload.id, [first, second], md5=hashlib.md5(b"xyzabc").hexdigest())
    assert (done.status, done.file.filename, done.file.owner) == ("completed", "mug.txt", "key_a")
    assert content(files, done.file.id) == b"xyzabc"
    assert done.file.expires_at == done.file.created_at + 7200
    assert not lying(tmp_path)


def test_a_part_that_is_not_named_is_left_out(uploads, files):
    upload = started(uploads)
    part(uploads, upload, b"lost")
    done = uploads.complete(upload.id, [part(uploads, upload, b"abcdef")])
    assert content(files, done.file.id) == b"abcdef"


def test_another_size_than_announced_is_refused_and_can_be_mended(uploads):
    upload = started(uploads)
    first = part(uploads, upload, b"abc")
    with pytest.raises(InvalidFile, match=r"hold 3 bytes.*with 6 bytes"):
        uploads.complete(upload.id, [first])
    assert uploads.complete(upload.id, [first, part(uploads, upload, b"def")]).file


def test_another_digest_is_refused(uploads):
    upload = started(uploads)
    with pytest.raises(InvalidFile, match="md5"):
        uploads.complete(upload.id, [part(uploads, upload, b"abcdef")], md5="0" * 32)
    assert uploads.get(upload.id).status == "pending"


def test_a_part_of_another_upload_is_not_found(uploads):
    upload, other = started(uploads), started(uploads)
    with pytest.raises(NotFound, match="part_"):
        uploads.complete(upload.id, [part(uploads, other, b"abcdef")])


@pytest.mark.parametrize("end", ["complete", "cancel"])
def test_an_upload_ends_once(uploads, end):
    upload = started(uploads, 0)
    uploads.complete(upload.id, []) if end == "complete" else uploads.cancel(upload.id)
    for deed in (uploads.cancel, uploads.receive_part, lambda which: uploads.complete(which, [])):
        with pytest.raises(InputError, match=r"completed|cancelled"):
            deed(upload.id)


def test_the_parts_of_a_cancelled_upload_go(uploads, tmp_path):
    upload = started(uploads)
    part(uploads, upload, b"abc")
    assert uploads.cancel(upload.id).status == "cancelled"
    assert not lying(tmp_path)


def test_an_upload_expires_after_an_hour(uploads, tmp_path, monkeypatch):
    upload = started(uploads)
    part(uploads, upload, b"abc")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    assert uploads.get(upload.id).status == "expired"
    with pytest.raises(InputError, match="is expired"):
        uploads.receive_part(upload.id)
    uploads.purge()
    assert not lying(tmp_path)
    assert uploads.get(upload.id).status == "expired"


def test_a_purge_leaves_the_parts_of_a_pending_upload(uploads, tmp_path):
    upload = started(uploads, 3)
    first = part(uploads, upload, b"abc")
    (tmp_path / "uploads" / "upload_gone").mkdir()
    uploads.purge()
    assert not (tmp_path / "uploads" / "upload_gone").exists()
    assert uploads.complete(upload.id, [first]).file


def test_more_than_an_upload_may_hold_is_refused(uploads, monkeypatch):
    monkeypatch.setattr(uploads_module, "MAX_UPLOAD_BYTES", 5)
    upload = started(uploads)
    part(uploads, upload, b"abc")
    with pytest.raises(InvalidFile, match="at most 5"):
        part(uploads, upload, b"def")


def test_another_owner_does_not_find_an_upload(uploads):
    upload = started(uploads, owner="key_a")
    with pytest.raises(NotFound, match=upload.id):
        uploads.get(upload.id, owner="key_b")
