"""Uploads in parts through the official client; raw requests only for what it cannot send."""

import hashlib

import httpx
import openai
import pytest

from filesearch.server.routes import uploads as uploads_route


def started(live, size_bytes=6, **options):
    return live.client.uploads.create(
        filename="../kiln log.txt",
        purpose="assistants",
        bytes=size_bytes,
        mime_type="text/plain",
        **options,
    )


def part(live, upload, data):
    return live.client.uploads.parts.create(upload.id, data=data).id


def test_parts_become_a_file_in_the_order_given(live):
    upload = started(live)
    assert (upload.status, upload.file) == ("pending", None)
    assert upload.expires_at == upload.created_at + 3600
    second, first = part(live, upload, b"abc"), part(live, upload, b"xyz")
    md5 = hashlib.md5(b"xyzabc").hexdigest()
    done = live.client.uploads.complete(upload.id, part_ids=[first, second], md5=md5)
    assert (done.status, done.id) == ("completed", upload.id)
    assert done.file == live.client.files.retrieve(done.file.id)
    assert (done.file.filename, done.file.bytes) == ("kiln log.txt", 6)
    assert live.client.files.content(done.file.id).read() == b"xyzabc"


def test_the_client_uploads_a_large_file_in_chunks(live, tmp_path):
    path = tmp_path / "big.txt"
    path.write_bytes(b"kiln " * 1000)
    done = live.client.uploads.upload_file_chunked(
        file=path, mime_type="text/plain", purpose="assistants", part_size=2000
    )
    assert live.client.files.content(done.file.id).read() == path.read_bytes()


def test_a_part_says_what_it_belongs_to(live):
    upload = started(live)
    made = live.client.uploads.parts.create(upload.id, data=b"abc")
    assert (made.object, made.upload_id) == ("upload.part", upload.id)


def test_the_file_of_an_upload_expires_when_it_is_told_to(live):
    upload = started(live, expires_after={"anchor": "created_at", "seconds": 7200})
    done = live.client.uploads.complete(upload.id, part_ids=[part(live, upload, b"abcdef")])
    assert done.file.expires_at == done.file.created_at + 7200


def test_parts_of_another_size_than_announced_are_refused(live):
    upload = started(live)
    with pytest.raises(openai.BadRequestError, match="hold 3 bytes"):
        live.client.uploads.complete(upload.id, part_ids=[part(live, upload, b"abc")])


def test_a_wrong_digest_is_refused(live):
    upload = started(live)
    with pytest.raises(openai.BadRequestError, match="md5"):
        live.client.uploads.complete(
            upload.id, part_ids=[part(live, upload, b"abcdef")], md5="0" * 32
        )


def test_a_cancelled_upload_takes_nothing_more(live):
    upload = started(live)
    assert live.client.uploads.cancel(upload.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="is cancelled"):
        part(live, upload, b"abc")
    with pytest.raises(openai.BadRequestError, match="is cancelled"):
        live.client.uploads.cancel(upload.id)


def test_an_unknown_upload_is_not_found(live):
    for deed in (
        lambda: live.client.uploads.cancel("upload_x"),
        lambda: live.client.uploads.parts.create("upload_x", data=b""),
        lambda: live.client.uploads.complete("upload_x", part_ids=[]),
    ):
        with pytest.raises(openai.NotFoundError, match="No such Upload object: upload_x"):
            deed()


def test_a_part_that_is_too_large_is_refused(live, monkeypatch):
    monkeypatch.setattr(uploads_route, "MAX_PART_BYTES", 5)
    with pytest.raises(openai.APIStatusError, match="larger than 5 bytes") as caught:
        part(live, started(live), b"abcdef")
    assert caught.value.status_code == 413


WRONG = [
    ({"bytes": -1}, "bytes"),
    ({"bytes": (8 << 30) + 1}, "bytes"),
    ({"bytes": "many"}, "bytes"),
    ({"purpose": "fun"}, "purpose"),
    ({"filename": 3}, "filename"),
    ({"mime_type": None}, "mime_type"),
    ({"expires_after": {"anchor": "now", "seconds": 3600}}, "expires_after.anchor"),
]


def test_a_wrong_value_is_named(live):
    right = {"filename": "a", "purpose": "batch", "bytes": 1, "mime_type": "text/plain"}
    for changes, param in WRONG:
        answer = httpx.post(f"{live.base_url}/uploads", json={**right, **changes})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), changes
