"""Checks of files, uploads, models, embeddings and chat; see session.py."""

from __future__ import annotations

import base64
import io
import struct
import tempfile
import uuid
from pathlib import Path
from typing import Any

import openai
from session import KILN, MODEL, MUGS, WEATHER, Session, refusal, shows


@shows("files.create")
def _(s: Session) -> None:
    made = s.files.create(file=("notes.txt", b"Some notes."), purpose="assistants")
    assert (made.object, made.bytes, made.filename) == ("file", 11, "notes.txt"), made
    assert made.id.startswith("file-") and made.status == "processed", made
    nameless = s.files.create(file=io.BytesIO(b"bare"), purpose="user_data")
    assert nameless.bytes == 4, nameless
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "notes äöü.txt"
        path.write_bytes(b"from a path")
        assert s.files.create(file=path, purpose="assistants").filename == "notes äöü.txt"


@shows("files.list")
def _(s: Session) -> None:
    made = {s.upload() for _ in range(3)}
    assert made <= {f.id for f in s.files.list()}
    assert all(f.purpose == "assistants" for f in s.files.list(purpose="assistants"))


@shows("files.retrieve")
def _(s: Session) -> None:
    made = s.upload()
    assert s.files.retrieve(made).id == made
    said = refusal(openai.NotFoundError, s.files.retrieve, "file-doesnotexist")
    assert "No such File object: file-doesnotexist" in said, said


@shows("files.content")
def _(s: Session) -> None:
    assert s.files.content(s.upload(KILN)).read() == KILN.encode()


@shows("files.retrieve_content")
def _(s: Session) -> None:
    assert "kiln" in str(s.files.retrieve_content(s.upload(KILN)))


@shows("files.delete")
def _(s: Session) -> None:
    made = s.upload()
    deleted = s.files.delete(made)
    assert (deleted.id, deleted.deleted, deleted.object) == (made, True, "file"), deleted
    assert made not in {f.id for f in s.files.list()}


@shows("files.wait_for_processing")
def _(s: Session) -> None:
    assert s.files.wait_for_processing(s.upload()).status == "processed"


@shows("uploads.create")
def _(s: Session) -> None:
    made = s.uploads.create(filename="a.txt", purpose="assistants", bytes=4, mime_type="text/plain")
    assert (made.status, made.object) == ("pending", "upload"), made


@shows("uploads.parts.create")
def _(s: Session) -> None:
    made = s.uploads.create(filename="a.txt", purpose="assistants", bytes=4, mime_type="text/plain")
    part = s.uploads.parts.create(made.id, data=b"abcd")
    assert (part.upload_id, part.object) == (made.id, "upload.part"), part


@shows("uploads.complete")
def _(s: Session) -> None:
    made = s.uploads.create(filename="a.txt", purpose="assistants", bytes=8, mime_type="text/plain")
    parts = [s.uploads.parts.create(made.id, data=data).id for data in (b"last", b"head")]
    done = s.uploads.complete(made.id, part_ids=parts[::-1])
    assert done.status == "completed" and done.file, done
    assert s.files.content(done.file.id).read() == b"headlast"


@shows("uploads.cancel")
def _(s: Session) -> None:
    made = s.uploads.create(filename="a.txt", purpose="assistants", bytes=4, mime_type="text/plain")
    assert s.uploads.cancel(made.id).status == "cancelled"


@shows("uploads.upload_file_chunked")
def _(s: Session) -> None:
    data = MUGS.encode() * 20
    done = s.uploads.upload_file_chunked(
        file=data,
        filename="big.txt",
        bytes=len(data),
        mime_type="text/plain",
        purpose="assistants",
        part_size=500,
    )
    assert done.status == "completed" and done.file, done
    assert s.files.content(done.file.id).read() == data


@shows("models.list")
def _(s: Session) -> None:
    models = list(s.models.list())
    assert models and all(m.object == "model" for m in models), models


@shows("models.retrieve")
def _(s: Session) -> None:
    known = next(iter(s.models.list())).id
    assert s.models.retrieve(known).id == known
    said = refusal(openai.NotFoundError, s.models.retrieve, "qwen/qwen2.5:7b")
    assert "'qwen/qwen2.5:7b'" in said, said  # with its slash, however this version sends it


@shows("models.delete")
def _(s: Session) -> None:
    known = next(iter(s.models.list())).id
    assert "not a fine-tuned model" in refusal(openai.PermissionDeniedError, s.models.delete, known)


@shows("embeddings.create")
def _(s: Session) -> None:
    one = s.embeddings.create(model="text-embedding-3-small", input="A mug.")
    two = s.embeddings.create(
        model="text-embedding-3-small", input=["A mug.", "A kiln."], encoding_format="float"
    )
    coded = (
        s.embeddings.create(
            model="text-embedding-3-small", input="A mug.", encoding_format="base64"
        )
        .data[0]
        .embedding
    )
    assert [e.index for e in two.data] == [0, 1] and two.usage.total_tokens > 0, two
    wanted = two.data[0].embedding
    raw = base64.b64decode(coded)
    decoded = struct.unpack(f"<{len(raw) // 4}f", raw)
    for found in (one.data[0].embedding, decoded):
        assert len(found) == len(wanted) > 8
        assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 1e-5


@shows("chat.completions.create")
def _(s: Session) -> None:
    messages = [{"role": "user", "content": "Good day"}]
    plain = s.chat_completions.create(model=MODEL, messages=messages)
    assert plain.choices[0].message.content == "You said: Good day", plain
    assert plain.model == MODEL and plain.usage.total_tokens > 0, plain
    chunks = list(
        s.chat_completions.create(
            model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said == "You said: Good day", chunks
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0, chunks[-1]
    called = s.chat_completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "weather in Paris and Rome"}],
        tools=[{"type": "function", "function": WEATHER}],
    )
    names = [c.function.name for c in called.choices[0].message.tool_calls]
    assert names == ["get_weather"] * 2 and called.choices[0].finish_reason == "tool_calls", called


PLACE_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@shows("chat.completions.parse")
def _(s: Session) -> None:
    from pydantic import BaseModel

    class Place(BaseModel):
        city: str

    parsed = s.beta_chat.parse(
        model=MODEL, messages=[{"role": "user", "content": "Where?"}], response_format=Place
    )
    assert parsed.choices[0].message.parsed.city == "Paris", parsed


@shows("chat.completions.stream")
def _(s: Session) -> None:
    messages = [{"role": "user", "content": "count to 9"}]
    with s.beta_chat.stream(model=MODEL, messages=messages) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "1 2 3 4 5 6 7 8 9", final
    assert {"chunk", "content.delta", "content.done"} <= kinds, kinds


def stored(s: Session, **fields: Any) -> Any:
    """Return a completion that is stored."""
    messages = [{"role": "user", "content": "Good day"}]
    return s.chat_completions.create(model=MODEL, messages=messages, store=True, **fields)


@shows("chat.completions.retrieve")
def _(s: Session) -> None:
    made = stored(s)
    found = s.chat_completions.retrieve(made.id)
    assert found.choices[0].message.content == made.choices[0].message.content, found


@shows("chat.completions.list")
def _(s: Session) -> None:
    lot = {"lot": uuid.uuid4().hex}  # other versions may have asked the same server
    made = [stored(s, metadata=lot).id for _ in range(3)]
    found = [one.id for one in s.chat_completions.list(metadata=lot, limit=2)]
    assert found == made, found


@shows("chat.completions.update")
def _(s: Session) -> None:
    changed = s.chat_completions.update(stored(s).id, metadata={"k": "v"})
    assert changed.metadata == {"k": "v"}, changed


@shows("chat.completions.delete")
def _(s: Session) -> None:
    made = stored(s).id
    assert s.chat_completions.delete(made).deleted
    assert refusal(openai.NotFoundError, s.chat_completions.retrieve, made)


@shows("chat.completions.messages.list")
def _(s: Session) -> None:
    (message,) = s.chat_completions.messages.list(stored(s).id)
    assert message.content == "Good day", message


@shows("completions.create")
def _(s: Session) -> None:
    done = s.completions.create(model="gpt-3.5-turbo-instruct", prompt="Good day")
    assert done.object == "text_completion" and "Good day" in done.choices[0].text, done
    pieces = s.completions.create(model="gpt-3.5-turbo-instruct", prompt="Good day", stream=True)
    assert "".join(p.choices[0].text for p in pieces if p.choices) == done.choices[0].text
