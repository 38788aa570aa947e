"""Files through the official client; raw requests only for what it cannot send."""

import io
import time

import httpx
import openai
import pytest

from filesearch.paging import PageQuery


def uploaded(live, data=b"A mug may be returned.", name="mug.txt", **options):
    options.setdefault("purpose", "assistants")
    return live.client.files.create(file=(name, data), **options)


def post_form(live, body, boundary="x", **headers):
    headers = {"content-type": f"multipart/form-data; boundary={boundary}", **headers}
    return httpx.post(f"{live.base_url}/files", content=body, headers=headers)


def form(*parts):
    """A body of (name, file name or None, value) with the boundary x."""
    lines = []
    for name, filename, value in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        lines.append(
            f'--x\r\ncontent-disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()
            + value
            + b"\r\n"
        )
    return b"".join(lines) + b"--x--\r\n"


def left_on_disk(live):
    return list(live.server.fs.directory.rglob("incoming-*"))


def test_a_file_comes_back_as_it_was_sent(live):
    file = uploaded(live, b"\x00\xffmug")
    assert (file.bytes, file.filename, file.purpose, file.status) == (
        5,
        "mug.txt",
        "assistants",
        "processed",
    )
    assert live.client.files.retrieve(file.id) == file
    assert live.client.files.content(file.id).read() == b"\x00\xffmug"


def test_bytes_without_a_name_are_named_upload(live):
    file = live.client.files.create(file=b"%PDF-1.4", purpose="user_data")
    assert (file.filename, file.purpose) == ("upload", "user_data")


def test_a_file_expires_when_it_is_told_to(live):
    file = uploaded(live, expires_after={"anchor": "created_at", "seconds": 3600})
    assert file.expires_at == file.created_at + 3600
    assert uploaded(live).expires_at is None


def test_files_are_listed_page_by_page(live):
    made = [uploaded(live).id for _ in range(5)]
    assert [f.id for f in live.client.files.list()] == made[::-1]
    assert [f.id for f in live.client.files.list(limit=2, order="asc")] == made
    page = live.client.files.list(limit=2, after=made[1])
    assert ([f.id for f in page.data], page.has_more) == ([made[0]], False)


def test_files_are_listed_by_purpose(live):
    uploaded(live)
    other = uploaded(live, purpose="batch")
    assert [f.id for f in live.client.files.list(purpose="batch")] == [other.id]


def test_every_file_can_be_deleted_while_the_list_is_walked(live):
    for _ in range(5):
        uploaded(live)
    for file in live.client.files.list(limit=2):
        assert live.client.files.delete(file.id).object == "file"
    empty = httpx.get(f"{live.base_url}/files").json()
    assert empty == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


def test_a_deleted_file_is_gone(live):
    file = uploaded(live)
    live.client.files.delete(file.id)
    for deed in (
        live.client.files.retrieve,
        live.client.files.content,
        live.client.files.delete,
    ):
        with pytest.raises(openai.NotFoundError, match=f"No such File object: {file.id}"):
            deed(file.id)


def test_the_files_of_a_folder_are_files_too(serve, make_fs, docs):
    fs = make_fs()
    fs.ingest(docs)
    live = serve(fs=fs)
    found = {f.filename: f for f in live.client.files.list()}
    assert found["kiln.txt"].purpose == "assistants"
    assert b"1280" in live.client.files.content(found["kiln.txt"].id).read()


def test_a_download_is_never_shown_by_a_browser(live):
    file = uploaded(live, b"<script>", name='a"\\b;é\u202e.html')
    answer = httpx.get(f"{live.base_url}/files/{file.id}/content")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-length"] == "8"
    shown = answer.headers["content-disposition"]
    assert shown.startswith('attachment; filename="')
    assert shown.isascii()
    assert "%C3%A9.html" in shown


NAMES = [
    ("../../etc/passwd", "passwd"),
    ("..\\..\\boot.ini", "boot.ini"),
    ("mug\x00.txt", "mug.txt"),
    ("", "upload"),
    ("..", "upload"),
    ("a\x1b[31m.txt", "a[31m.txt"),
    ("x" * 1000 + ".md", "x" * 252 + ".md"),
    ("a%0D%0Ab.txt", "ab.txt"),
]


def test_a_name_that_would_harm_is_made_harmless(live):
    for sent, stored in NAMES:
        body = form(("purpose", None, b"assistants"), ("file", sent, b"mug"))
        assert post_form(live, body).json()["filename"] == stored


@pytest.mark.parametrize("name", ['the "old" mug.txt', "100%.txt", "a%20b.txt", "ü%0d.txt"])
def test_a_name_is_kept_as_the_client_has_it(live, name):
    file = uploaded(live, b"mug", name=name)
    assert file.filename == name
    assert live.client.files.retrieve(file.id).filename == name


def test_a_name_that_is_not_utf_8_does_not_matter(live):
    body = form(("purpose", None, b"assistants"), ("file", "@", b"mug")).replace(b"@", b"\xff.txt")
    assert post_form(live, body).json()["filename"] == "\ufffd.txt"


def test_the_file_may_come_before_its_purpose(live):
    body = form(("file", "mug.txt", b"mug"), ("purpose", None, b"vision"))
    assert post_form(live, body).json()["purpose"] == "vision"


BROKEN = [
    (form(("purpose", None, b"assistants")), "file", "Missing required parameter: 'file'"),
    (form(("file", "m", b"")), "purpose", "Missing required parameter: 'purpose'"),
    (form(("file", "m", b""), ("purpose", None, b"fun")), "purpose", "Invalid value: 'fun'"),
    (form(("file", "m", b""), ("purpose", None, b"\xff")), "purpose", "not in UTF-8"),
    (form(("file", None, b"mug")), "file", "expected a file with a file name"),
    (form(("file", "a", b""), ("file", "b", b"")), "file", "expected one file"),
    (form(("file", "a", b""), ("purpose", None, b"p" * 70_000)), "purpose", "longer than 65536"),
    (form(("file", "a", b"mug"))[:-8], None, "ends without its last boundary"),
    (b"mug", None, "form cannot be read"),
    (b"", None, "ends without its last boundary"),
    (form(*[("a", None, b"")] * 200), None, "more than 100 parts"),
    (
        form(
            ("file", "a", b""),
            ("purpose", None, b"batch"),
            ("expires_after[anchor]", None, b"created_at"),
            ("expires_after[seconds]", None, b"3599"),
        ),
        "expires_after.seconds",
        "Expected a value >= 3600, but got 3599",
    ),
    (
        form(("file", "a", b""), ("purpose", None, b"batch"), ("expires_after", None, b"soon")),
        "expires_after",
        "expected an object",
    ),
]


def test_a_broken_form_is_refused_and_leaves_nothing(live):
    for body, param, words in BROKEN:
        answer = post_form(live, body)
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (400, "invalid_request_error"), body[:200]
        assert words in error["message"]
        assert error["param"] == param
        assert not left_on_disk(live)
    assert not live.server.files.page(PageQuery()).items


def test_a_body_that_is_no_form_is_refused(live):
    for kind in ("application/json", "multipart/form-data", "", "multipart/;;"):
        answer = httpx.post(f"{live.base_url}/files", content=b"{}", headers={"content-type": kind})
        assert answer.status_code == 400
        assert "must be a form" in answer.json()["error"]["message"]


def test_an_unknown_field_is_refused_only_when_strict(serve):
    live = serve(is_strict=True)
    body = form(("file", "a", b""), ("purpose", None, b"batch"), ("colour", None, b"red"))
    assert post_form(live, body).json()["error"]["param"] == "colour"


@pytest.mark.parametrize("has_length", [True, False])
def test_a_file_that_is_too_large_is_refused_as_it_arrives(serve, has_length):
    live = serve(max_file_bytes=1000)
    body = form(("purpose", None, b"assistants"), ("file", "mug.txt", b"m" * 1001))
    blocks = body if has_length else iter([body[:500], body[500:]])
    answer = post_form(live, blocks)
    assert answer.status_code == 413
    assert answer.json()["error"]["param"] == "file"
    assert not left_on_disk(live)
    assert uploaded(live, b"m" * 1000).bytes == 1000


def test_a_file_of_many_blocks_is_whole(live):
    data = bytes(range(256)) * 40_000
    file = uploaded(live, io.BytesIO(data))
    assert live.client.files.content(file.id).read() == data


def test_a_client_that_leaves_half_way_leaves_nothing(live):
    def blocks():
        yield form(("purpose", None, b"assistants"), ("file", "mug.txt", b"m" * 600_000))[:-400_000]
        raise InterruptedError

    with pytest.raises(InterruptedError):
        post_form(live, blocks())
    deadline = time.monotonic() + 30
    while left_on_disk(live):
        assert time.monotonic() < deadline
        time.sleep(0.01)
