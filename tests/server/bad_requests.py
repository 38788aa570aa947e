"""Bad requests: what may not be asked of the server, and what it answers.

A table of `Case`s, by resource. `{name}` in a path or a body stands for the id of that name in the
world that test_bad_requests.py makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ANY = "*"


@dataclass(frozen=True)
class Case:
    """One request and its answer.

    Attributes:
        body: Sent as JSON; bytes are sent as they are.
        param, code: Of the error; ANY where the contract leaves it open.
        says: What the message must hold: the value that is wrong, where there is one.
        status: 400 unless said.
    """

    method: str
    path: str
    body: Any = None
    param: str | None = ANY
    code: str | None = ANY
    says: str = ""
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """What stands in the report of the test."""
        what = self.form or (self.body if not isinstance(self.body, bytes) else self.body[:20])
        return f"{self.method} {self.path[:60]} {str(what)[:60]} {self.param}".replace(" ", "_")


def post(path: str, body: Any, param: str | None = ANY, says: str = "", **more: Any) -> Case:
    """Return a POST that must be refused."""
    return Case("POST", path, body, param, says=says, **more)


def unknown(method: str, path: str, says: str, body: Any = None) -> Case:
    """Return a request for an object that is not there."""
    return Case(method, path, body, None, None, says, 404)


def upload(form: Mapping[str, str], param: str | None, says: str = "", **more: Any) -> Case:
    """Return an upload that must be refused for its form."""
    files = {"file": ("a.txt", b"text")}
    return Case("POST", "/files", None, param, says=says, files=files, form=form, **more)


MISSING, TYPE, VALUE = "missing_required_parameter", "invalid_type", "invalid_value"
STRING_LONG, ARRAY_LONG = "string_above_max_length", "array_above_max_length"
NESTED: Any = 1
for _ in range(250):
    NESTED = [NESTED]
MANY = {f"k{number}": "v" for number in range(17)}
JSON_HEADER = {"content-type": "application/json"}


def raw(path: str, body: bytes, says: str = "", **more: Any) -> Case:
    """Return a POST of bytes that call themselves JSON."""
    return Case("POST", path, body, says=says, headers=JSON_HEADER, **more)


def metadata_cases(path: str, base: Mapping[str, Any]) -> list[Case]:
    """Return what no resource takes as metadata."""
    return [
        post(path, {**base, "metadata": MANY}, "metadata", "17 properties"),
        post(path, {**base, "metadata": {"k" * 65: "v"}}, ANY, "length 65"),
        post(path, {**base, "metadata": {"k": "v" * 513}}, ANY, "length 513"),
        post(path, {**base, "metadata": {"k": 5}}, "metadata.k", "an integer", code=TYPE),
        post(path, {**base, "metadata": ["k"]}, "metadata", "an array", code=TYPE),
    ]


UNPARSED = "could not parse the JSON body"
TRANSPORT = [
    unknown("GET", "/nothing", "Invalid URL (GET /v1/nothing)"),
    unknown("POST", "/assistants/asst_a/nothing", "Invalid URL", {}),
    Case("DELETE", "/assistants", None, None, None, "DELETE", 405),
    Case("PUT", "/threads/{thread}", {}, None, None, "PUT", 405),
    raw("/assistants", b"{", UNPARSED),
    raw("/assistants", b'{"model": "m",}', UNPARSED),
    raw("/assistants", b"not json", UNPARSED),
    raw("/assistants", b'{"model": "m", "temperature": NaN}', UNPARSED),
    raw("/assistants", b'{"model": "m", "temperature": Infinity}', UNPARSED),
    raw("/assistants", b'{"model": "m", "temperature": 1e999}'),
    raw("/assistants", b'{"model": "\xff\xfe"}', UNPARSED),
    raw("/assistants", b'{"model": "\\ud800"}', UNPARSED),
    raw("/assistants", b'{"model": "a", "model": 5}', "'model'", param="model", code=TYPE),
    raw("/assistants", b"[" * 100_000, UNPARSED),
    raw("/assistants", b'{"model": "m", "metadata": ' + b'{"a":' * 5000, UNPARSED),
    raw("/vector_stores/{store}/search", b'{"query": "q", "max_num_results": %s}' % (b"9" * 400)),
    raw("/assistants", b"", param=None),
    raw("/assistants", b"null"),
    raw("/assistants", b"[]", "an array"),
    raw("/assistants", b'"text"', "a string"),
    raw("/assistants", b"5", "an integer"),
    Case("POST", "/assistants", b"model=gpt-4o", headers={"content-type": "text/plain"}),
    Case("POST", "/assistants", None, form={"model": "gpt-4o"}),
    raw("/assistants", b'{"model": "' + b"m" * (3 << 20) + b'"}', status=413),
    post("/assistants", {"model": "m", "tools": NESTED}),
    Case(
        "GET", "/assistants", None, None, "invalid_beta", "assistants=v2",
        headers={"OpenAI-Beta": "assistants=v1"},
    ),
    unknown("GET", "/assistants/asst_%00", "asst_"),
    unknown("GET", "/assistants/asst_%0aset-cookie:x", "asst_"),
    unknown("GET", "/assistants/asst_" + "a" * 3000, "asst_aaaa"),
    unknown("GET", "/assistants/asst_%F0%9F%98%80", "asst_"),
    unknown("GET", "/files/..%2F..%2Fetc%2Fpasswd", ""),
    unknown("GET", "/files/file-..%2F..%2Fx/content", ""),
]  # fmt: skip

LISTS = [
    Case("GET", f"{path}?{query}", None, param, says=says)
    for path, query, param, says in [
        ("/assistants", "limit=0", "limit", "0"),
        ("/assistants", "limit=101", "limit", "101"),
        ("/assistants", "limit=-1", "limit", "-1"),
        ("/assistants", "limit=many", "limit", "limit"),
        ("/assistants", "limit=1.5", "limit", "limit"),
        ("/assistants", "limit=99999999999999999999", "limit", "99999999999999999999"),
        ("/assistants", "order=upwards", "order", "upwards"),
        ("/vector_stores", "limit=101", "limit", "101"),
        ("/files", "limit=10001", "limit", "10001"),
        ("/files", "limit=0", "limit", "0"),
        ("/files", "order=x", "order", "'x'"),
        ("/threads/{thread}/messages", "limit=1000", "limit", "1000"),
        ("/threads/{thread}/runs", "order=random", "order", "random"),
        ("/vector_stores/{store}/files", "filter=broken", "filter", "broken"),
        ("/vector_stores/{store}/file_batches/{batch}/files", "filter=x", "filter", "'x'"),
        ("/conversations/{conversation}/items", "limit=500", "limit", "500"),
        ("/responses/{response}/input_items", "limit=0", "limit", "0"),
    ]
]

NO_FILE = "No such File object: file-none"
UPLOAD = {"filename": "a.txt", "purpose": "assistants", "bytes": 4, "mime_type": "text/plain"}
FILES = [
    Case("POST", "/files", None, "file", MISSING, "'file'", form={"purpose": "assistants"}),
    upload({}, "purpose", "'purpose'", code=MISSING),
    upload({"purpose": "fun"}, "purpose", "'fun'", code=VALUE),
    upload({"purpose": ""}, "purpose"),
    Case("POST", "/files", {"file": "text", "purpose": "assistants"}),
    Case(
        "POST", "/files", b"--b\r\nno headers", says="",
        headers={"content-type": "multipart/form-data; boundary=b"},
    ),
    Case(
        "POST", "/files", b"--b\r\n\r\n", headers={"content-type": "multipart/form-data"},
    ),
    Case(
        "POST", "/files", b"--other\r\n\r\nx\r\n--other--",
        headers={"content-type": "multipart/form-data; boundary=b"},
    ),
    Case(
        "POST", "/files",
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncut of',
        headers={"content-type": "multipart/form-data; boundary=b"},
    ),
    Case(
        "POST", "/files",
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n\xff\xfe\r\n--b--\r\n',
        headers={"content-type": "multipart/form-data; boundary=b"},
    ),
    Case(
        "POST", "/files",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno name\r\n'
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--b--\r\n',
        headers={"content-type": "multipart/form-data; boundary=b"},
    ),
    Case(
        "POST", "/files", None, says="", status=413, form={"purpose": "assistants"},
        files={"file": ("big.txt", b"x" * (2 << 20))},
    ),
    upload({"purpose": "assistants", "expires_after[anchor]": "now",
            "expires_after[seconds]": "3600"}, ANY, "now"),
    upload({"purpose": "assistants", "expires_after[anchor]": "created_at",
            "expires_after[seconds]": "60"}, ANY, "60"),
    upload({"purpose": "assistants", "expires_after[anchor]": "created_at",
            "expires_after[seconds]": "2592001"}, ANY, "2592001"),
    upload({"purpose": "assistants", "expires_after[anchor]": "created_at",
            "expires_after[seconds]": "soon"}, ANY, "seconds"),
    upload({"purpose": "assistants", "expires_after[anchor]": "created_at"}, ANY, "seconds"),
    unknown("GET", "/files/file-none", NO_FILE),
    unknown("DELETE", "/files/file-none", NO_FILE),
    unknown("GET", "/files/file-none/content", NO_FILE),
    *[
        post("/uploads", {key: value for key, value in UPLOAD.items() if key != name}, name,
             f"'{name}'", code=MISSING)
        for name in UPLOAD
    ],
    post("/uploads", {**UPLOAD, "bytes": "four"}, "bytes", "a string", code=TYPE),
    post("/uploads", {**UPLOAD, "bytes": -1}, "bytes", "-1"),
    post("/uploads", {**UPLOAD, "bytes": (8 << 30) + 1}, "bytes", str((8 << 30) + 1)),
    post("/uploads", {**UPLOAD, "purpose": "fun"}, "purpose", "fun", code=VALUE),
    post("/uploads", {**UPLOAD, "filename": 5}, "filename", "an integer", code=TYPE),
    unknown("POST", "/uploads/upload_none/cancel", "upload_none"),
    unknown("POST", "/uploads/upload_none/complete", "upload_none", {"part_ids": []}),
    Case("POST", "/uploads/upload_none/parts", None, None, None, "upload_none", 404,
         files={"data": ("p", b"x")}),
    Case("POST", "/uploads/{upload}/parts", None, "data", MISSING, "'data'", form={"x": "y"}),
    post("/uploads/{upload}/complete", {}, "part_ids", "'part_ids'", code=MISSING),
    post("/uploads/{upload}/complete", {"part_ids": "part_a"}, "part_ids", code=TYPE),
    post("/uploads/{upload}/complete", {"part_ids": ["part_none"]}, ANY, "part_none",
         status=404),
    post("/uploads/{upload}/complete", {"part_ids": ["{part}", "{part}"]}, ANY, "2 bytes"),
    post("/uploads/{upload}/complete", {"part_ids": []}, ANY, ""),
    post("/uploads/{upload}/complete", {"part_ids": ["{part}"], "md5": "0" * 32}, ANY, "0" * 32),
    post("/uploads/{short_upload}/complete", {"part_ids": ["{short_part}"]}, ANY, "100"),
    post("/uploads/{cancelled_upload}/complete", {"part_ids": []}, ANY, "cancelled"),
    post("/uploads/{cancelled_upload}/cancel", None, ANY, "cancelled"),
    Case("POST", "/uploads/{cancelled_upload}/parts", None, says="cancelled",
         files={"data": ("p", b"x")}),
]  # fmt: skip


def _strategy(**static: Any) -> dict[str, Any]:
    return {"file_id": "{file}", "chunking_strategy": {"type": "static", "static": static}}


STORE_FILES = "/vector_stores/{store}/files"
BATCHES = "/vector_stores/{store}/file_batches"
SEARCH = "/vector_stores/{store}/search"
NO_STORE = "vs_" + "0" * 32
NO_BATCH = "vsfb_" + "0" * 32
EQUAL = {"type": "eq", "key": "year", "value": 1}
STORES = [
    post("/vector_stores", {"name": 5}, "name", "an integer", code=TYPE),
    post("/vector_stores", {"file_ids": "{file}"}, "file_ids", "a string", code=TYPE),
    post("/vector_stores", {"file_ids": [5]}, "file_ids[0]", "an integer", code=TYPE),
    post("/vector_stores", {"file_ids": ["{file}"] * 501}, "file_ids",
         "Invalid 'file_ids': array too long. Expected an array with maximum length 500, but got "
         "an array with length 501 instead.", code=ARRAY_LONG),
    *[
        post("/vector_stores", {"expires_after": value}, param, says)
        for value, param, says in [
            ({"anchor": "created_at", "days": 1}, "expires_after.anchor", "created_at"),
            ({"anchor": "last_active_at", "days": 0}, "expires_after.days", "0"),
            ({"anchor": "last_active_at", "days": 366}, "expires_after.days", "366"),
            ({"anchor": "last_active_at", "days": "two"}, "expires_after.days", "a string"),
            ({"anchor": "last_active_at"}, "expires_after.days", "days"),
            ({"days": 1}, "expires_after.anchor", "anchor"),
            ("never", "expires_after", "a string"),
        ]
    ],
    *metadata_cases("/vector_stores", {}),
    Case("GET", "/vector_stores/abc", None, "vector_store_id", VALUE,
         "Invalid 'vector_store_id': 'abc'. Expected an ID that begins with 'vs_'."),
    post("/vector_stores/asst_a", {}, "vector_store_id", "asst_a", code=VALUE),
    Case("DELETE", "/vector_stores/file-a", None, "vector_store_id", VALUE, "file-a"),
    Case("GET", "/vector_stores/abc123/files", None, "vector_store_id", VALUE, "abc123"),
    post("/vector_stores/abc/search", {"query": "q"}, "vector_store_id", "abc", code=VALUE),
    unknown("GET", f"/vector_stores/{NO_STORE}", NO_STORE),
    unknown("POST", f"/vector_stores/{NO_STORE}", NO_STORE, {"name": "x"}),
    unknown("DELETE", f"/vector_stores/{NO_STORE}", NO_STORE),
    unknown("POST", f"/vector_stores/{NO_STORE}/search", NO_STORE, {"query": "q"}),
    unknown("GET", f"/vector_stores/{NO_STORE}/files", NO_STORE),
    unknown("POST", f"/vector_stores/{NO_STORE}/files", NO_STORE, {"file_id": "{file}"}),
    unknown("POST", f"/vector_stores/{NO_STORE}/file_batches", NO_STORE, {"file_ids": ["{file}"]}),
    post("/vector_stores/{store}", {"name": ["x"]}, "name", "an array", code=TYPE),
    post("/vector_stores/{store}", {"expires_after": {"anchor": "last_active_at", "days": -1}},
         "expires_after.days", "-1"),
    post(STORE_FILES, {}, "file_id", "'file_id'", code=MISSING),
    post(STORE_FILES, {"file_id": 5}, "file_id", "an integer", code=TYPE),
    unknown("POST", STORE_FILES, "file-none", {"file_id": "file-none"}),
    post(STORE_FILES, {"file_id": "{file}", "attributes": MANY}, ANY, "17"),
    post(STORE_FILES, {"file_id": "{file}", "attributes": {"k" * 65: 1}}, ANY, "65"),
    post(STORE_FILES, {"file_id": "{file}", "attributes": {"k": "v" * 513}}, ANY, "513"),
    post(STORE_FILES, {"file_id": "{file}", "attributes": {"k": [1]}}, "attributes.k", "an array"),
    post(STORE_FILES, {"file_id": "{file}", "attributes": {"k": None}}, "attributes.k", "null"),
    post(STORE_FILES, {"file_id": "{file}", "attributes": 5}, "attributes", "an integer"),
    post(STORE_FILES, _strategy(max_chunk_size_tokens=99, chunk_overlap_tokens=1), ANY, "99"),
    post(STORE_FILES, _strategy(max_chunk_size_tokens=4097, chunk_overlap_tokens=1), ANY, "4097"),
    post(STORE_FILES, _strategy(max_chunk_size_tokens=200, chunk_overlap_tokens=101), ANY, "101"),
    post(STORE_FILES, _strategy(max_chunk_size_tokens=200, chunk_overlap_tokens=-1), ANY, "-1"),
    post(STORE_FILES, _strategy(max_chunk_size_tokens=200), ANY, "chunk_overlap_tokens"),
    post(STORE_FILES, _strategy(chunk_overlap_tokens=20), ANY, "max_chunk_size_tokens"),
    post(STORE_FILES, {"file_id": "{file}", "chunking_strategy": {"type": "clever"}}, ANY,
         "clever"),
    post(STORE_FILES, {"file_id": "{file}", "chunking_strategy": {"type": "static"}}, ANY,
         "static"),
    post(STORE_FILES, {"file_id": "{file}", "chunking_strategy": {}}, ANY, "type"),
    unknown("GET", STORE_FILES + "/file-none", "file-none"),
    unknown("DELETE", STORE_FILES + "/file-none", "file-none"),
    unknown("GET", STORE_FILES + "/file-none/content", "file-none"),
    unknown("POST", STORE_FILES + "/file-none", "file-none", {"attributes": {}}),
    post(STORE_FILES + "/{file}", {}, "attributes", "'attributes'", code=MISSING),
    post(STORE_FILES + "/{file}", {"attributes": "red"}, "attributes", "a string", code=TYPE),
    post(BATCHES, {}, ANY, "file_ids"),
    post(BATCHES, {"file_ids": ["{file}"], "files": [{"file_id": "{file}"}]}, ANY, "files"),
    post(BATCHES, {"file_ids": []}, "file_ids", "empty array"),
    post(BATCHES, {"files": []}, "files", "empty array"),
    post(BATCHES, {"files": [{}]}, "files[0].file_id", "file_id", code=MISSING),
    post(BATCHES, {"files": ["{file}"]}, "files[0]", "a string", code=TYPE),
    post(BATCHES, {"file_ids": ["{file}"] * 2001}, "file_ids", "2001", code=ARRAY_LONG),
    Case("GET", BATCHES + "/{store}", None, "batch_id", VALUE,
         "Invalid 'batch_id': '{store}'. Expected an ID that begins with 'vsfb_'."),
    post(BATCHES + "/batch/cancel", None, "batch_id", "'batch'", code=VALUE),
    unknown("GET", f"{BATCHES}/{NO_BATCH}", NO_BATCH),
    unknown("POST", f"{BATCHES}/{NO_BATCH}/cancel", NO_BATCH),
    unknown("GET", f"{BATCHES}/{NO_BATCH}/files", NO_BATCH),
    unknown("GET", "/vector_stores/{other_store}/file_batches/{batch}", "{batch}"),
    unknown("GET", "/vector_stores/{other_store}/files/{file}", "{file}"),
    post(SEARCH, {}, "query", "'query'", code=MISSING),
    post(SEARCH, {"query": 5}, "query", "an integer", code=TYPE),
    post(SEARCH, {"query": []}, "query", "query"),
    post(SEARCH, {"query": ["q", 5]}, "query[1]", "an integer", code=TYPE),
    post(SEARCH, {"query": "q", "max_num_results": 0}, "max_num_results", "0"),
    post(SEARCH, {"query": "q", "max_num_results": 51}, "max_num_results", "51"),
    post(SEARCH, {"query": "q", "max_num_results": "ten"}, "max_num_results", "a string"),
    *[
        post(SEARCH, {"query": "q", "ranking_options": value}, param, says)
        for value, param, says in [
            ({"score_threshold": 2}, "ranking_options.score_threshold", "2"),
            ({"score_threshold": -0.1}, "ranking_options.score_threshold", "-0.1"),
            ({"ranker": "best"}, "ranking_options.ranker", "best"),
            ({"hybrid_search": {"embedding_weight": 1}}, ANY, "text_weight"),
            ({"hybrid_search": {"embedding_weight": -1, "text_weight": 1}}, ANY, "-1"),
            ("auto", "ranking_options", "a string"),
        ]
    ],
    *[
        post(SEARCH, {"query": "q", "filters": value}, ANY, says)
        for value, says in [
            ({"type": "like", "key": "k", "value": "v"}, "like"),
            ({"type": "eq", "value": 1}, "key"),
            ({"type": "eq", "key": "k"}, "value"),
            ({"type": "eq", "key": "k", "value": {"a": 1}}, ""),
            ({"type": "eq", "key": 5, "value": 1}, "key"),
            ({"type": "in", "key": "k", "value": "v"}, ""),
            ({"type": "and"}, "filters"),
            ({"type": "and", "filters": EQUAL}, ""),
            ({"type": "or", "filters": [EQUAL, {"type": "no"}]}, "no"),
            ({"key": "k", "value": 1}, "type"),
            ([EQUAL], ""),
            ("year=1", ""),
        ]
    ],
]  # fmt: skip
