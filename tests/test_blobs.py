"""Blobs: bytes under their SHA-256."""

import hashlib
import io
import os
import time

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


def test_bytes_that_are_not_kept_leave_nothing(tmp_path):
    with FolderBlobStore(tmp_path).receive() as incoming:
        incoming.write(b"mug")
        incoming.finish()
    assert not list(tmp_path.iterdir())


def test_bytes_come_piece_by_piece(tmp_path):
    store = FolderBlobStore(tmp_path)
    with store.receive() as incoming:
        incoming.write(b"mu")
        incoming.write(b"g")
        incoming.keep()
    with store.open(incoming.digest) as stream:
        assert (incoming.size_bytes, stream.read()) == (3, b"mug")


def test_bytes_that_were_given_up_are_swept(tmp_path):
    half = tmp_path / "incoming-x"
    half.write_bytes(b"half")
    os.utime(half, (time.time() - 4000, time.time() - 4000))
    FolderBlobStore(tmp_path).sweep()
    assert not list(tmp_path.iterdir())


def test_an_upload_that_still_runs_is_not_swept(tmp_path):
    store = FolderBlobStore(tmp_path)
    with store.receive() as incoming:
        incoming.write(b"mug")
        store.sweep()
        incoming.keep()
    with store.open(incoming.digest) as stream:
        assert stream.read() == b"mug"
