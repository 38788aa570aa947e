"""Blobs: bytes under their SHA-256."""

import hashlib
import io

import pytest

from filesearch.blobs import FolderBlobStore
from filesearch.errors import NotFound


def test_bytes_come_back_under_their_digest(tmp_path):
    store = FolderBlobStore(tmp_path / "blobs")
    digest = store.put(io.BytesIO(b"mug"))
    assert digest == hashlib.sha256(b"mug").hexdigest()
    with store.open(digest) as stream:
        assert stream.read() == b"mug"


def test_the_same_bytes_are_kept_once(tmp_path):
    store = FolderBlobStore(tmp_path)
    store.put(io.BytesIO(b"mug"))
    store.put(io.BytesIO(b"mug"))
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_deleted_blob_is_not_found(tmp_path):
    store = FolderBlobStore(tmp_path)
    digest = store.put(io.BytesIO(b"mug"))
    store.delete(digest)
    store.delete(digest)
    with pytest.raises(NotFound, match=digest):
        store.open(digest)


def test_a_name_that_is_no_digest_leads_nowhere(tmp_path):
    with pytest.raises(NotFound, match="not a SHA-256"):
        FolderBlobStore(tmp_path).open("../../etc/passwd")


def test_half_written_bytes_are_swept(tmp_path):
    (tmp_path / "incoming-x").write_bytes(b"half")
    FolderBlobStore(tmp_path).sweep()
    assert not list(tmp_path.iterdir())
