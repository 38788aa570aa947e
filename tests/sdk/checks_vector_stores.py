"""Checks of vector stores, their files, batches and search; see session.py."""

from __future__ import annotations

import re

from session import KILN, MUGS, Session, shows


@shows("vector_stores.create")
def _(s: Session) -> None:
    made = s.vector_stores.create(
        name="a store",
        file_ids=[s.upload()],
        expires_after={"anchor": "last_active_at", "days": 2},
        metadata={"a": "b"},
    )
    assert made.file_counts.total == 1 and made.metadata == {"a": "b"}, made
    assert made.expires_after.days == 2 and made.expires_at > made.created_at, made
    assert re.fullmatch("vs_[0-9a-f]{32}", made.id), made
    assert s.vector_stores.create().status == "completed"


@shows("vector_stores.retrieve")
def _(s: Session) -> None:
    assert s.vector_stores.retrieve(s.store).file_counts.completed == 2


@shows("vector_stores.update")
def _(s: Session) -> None:
    made = s.vector_stores.create(name="old", metadata={"a": "b"})
    changed = s.vector_stores.update(made.id, name="new")
    assert (changed.name, changed.metadata) == ("new", {"a": "b"}), changed


@shows("vector_stores.list")
def _(s: Session) -> None:
    made = [s.vector_stores.create(name=str(n)).id for n in range(5)]
    found = [store.id for store in s.vector_stores.list(limit=2) if store.id in made]
    assert found == made[::-1], (found, made)
    gone = [
        s.vector_stores.delete(store.id).id
        for store in s.vector_stores.list(limit=2)
        if store.id in made
    ]
    assert gone == made[::-1], "deleting while listing skipped some"


@shows("vector_stores.delete")
def _(s: Session) -> None:
    made = s.vector_stores.create(file_ids=[file := s.upload()])
    assert s.vector_stores.delete(made.id).deleted
    assert s.files.retrieve(file).id == file


@shows("vector_stores.search")
def _(s: Session) -> None:
    found = s.vector_stores.search(s.store, query="When may a mug be returned?", max_num_results=1)
    assert [r.filename for r in found] == ["mugs.txt"], found
    assert "30 days" in found.data[0].content[0].text and 0 <= found.data[0].score <= 1, found
    both = s.vector_stores.search(s.store, query=["returned mug", "hot kiln"], rewrite_query=False)
    assert {r.filename for r in both} == {"mugs.txt", "kiln.md"}, both


@shows("vector_stores.files.create")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    made = s.vector_stores.files.create(vector_store_id=store.id, file_id=s.upload())
    assert made.vector_store_id == store.id and made.status in ("in_progress", "completed"), made


@shows("vector_stores.files.create_and_poll")
def _(s: Session) -> None:
    store, file = s.vector_stores.create(), s.upload()
    done = s.vector_stores.files.create_and_poll(file, vector_store_id=store.id)
    assert (done.id, done.status) == (file, "completed"), done
    counts = s.vector_stores.retrieve(store.id).file_counts
    assert (counts.completed, counts.in_progress) == (1, 0), counts


@shows("vector_stores.files.upload")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    made = s.vector_stores.files.upload(vector_store_id=store.id, file=("m.txt", MUGS.encode()))
    assert made.status in ("in_progress", "completed"), made


@shows("vector_stores.files.upload_and_poll")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    done = s.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("m.txt", MUGS.encode())
    )
    assert done.status == "completed" and done.last_error is None, done
    bad = s.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("m.exe", b"MZ\x90\x00" + bytes(range(256)) * 8)
    )
    assert bad.status == "failed" and bad.last_error.code == "unsupported_file", bad


@shows("vector_stores.files.poll")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    made = s.vector_stores.files.create(vector_store_id=store.id, file_id=s.upload())
    assert s.vector_stores.files.poll(made.id, vector_store_id=store.id).status == "completed"


@shows("vector_stores.files.retrieve")
def _(s: Session) -> None:
    file = s.vector_stores.files.list(vector_store_id=s.store).data[0].id
    found = s.vector_stores.files.retrieve(file, vector_store_id=s.store)
    assert (found.id, found.object) == (file, "vector_store.file"), found


@shows("vector_stores.files.list")
def _(s: Session) -> None:
    assert len(list(s.vector_stores.files.list(vector_store_id=s.store, limit=1))) == 2
    failed = s.vector_stores.files.list(vector_store_id=s.store, filter="failed")
    assert list(failed) == []


@shows("vector_stores.files.update")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    file = s.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("m.txt", MUGS.encode())
    )
    s.vector_stores.files.update(file.id, vector_store_id=store.id, attributes={"year": 2025})
    where = {"type": "gte", "key": "year", "value": 2025}
    later = {"type": "gt", "key": "year", "value": 2025}
    assert len(s.vector_stores.search(store.id, query="mug", filters=where).data) == 1
    assert len(s.vector_stores.search(store.id, query="mug", filters=later).data) == 0


@shows("vector_stores.files.content")
def _(s: Session) -> None:
    file = next(f.id for f in s.vector_stores.files.list(vector_store_id=s.store))
    parts = list(s.vector_stores.files.content(file, vector_store_id=s.store))
    assert "".join(part.text for part in parts).strip() in (MUGS.strip(), KILN.strip()), parts


@shows("vector_stores.files.delete")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    file = s.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("m.txt", MUGS.encode())
    )
    assert s.vector_stores.files.delete(file.id, vector_store_id=store.id).deleted
    assert s.vector_stores.retrieve(store.id).file_counts.total == 0


@shows("vector_stores.file_batches.create")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    made = s.vector_stores.file_batches.create(vector_store_id=store.id, file_ids=[s.upload()])
    assert re.fullmatch("vsfb_[0-9a-f]{32}", made.id) and made.file_counts.total == 1, made


@shows("vector_stores.file_batches.create_and_poll")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    done = s.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=[s.upload(), "file-missing"]
    )
    counts = done.file_counts
    assert (counts.completed, counts.failed, counts.total) == (1, 1, 2), done


@shows("vector_stores.file_batches.upload_and_poll")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    files = [(f"{n}.txt", f"Document {n}. {MUGS}".encode()) for n in range(8)]
    done = s.vector_stores.file_batches.upload_and_poll(store.id, files=files)
    assert (done.status, done.file_counts.completed) == ("completed", 8), done


@shows("vector_stores.file_batches.poll")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    made = s.vector_stores.file_batches.create(vector_store_id=store.id, file_ids=[s.upload()])
    done = s.vector_stores.file_batches.poll(made.id, vector_store_id=store.id)
    assert (done.id, done.status) == (made.id, "completed"), done


@shows("vector_stores.file_batches.retrieve")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    made = s.vector_stores.file_batches.create(vector_store_id=store.id, file_ids=[s.upload()])
    found = s.vector_stores.file_batches.retrieve(made.id, vector_store_id=store.id)
    assert (found.id, found.object) == (made.id, "vector_store.files_batch"), found


@shows("vector_stores.file_batches.list_files")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    ids = [s.upload() for _ in range(3)]
    made = s.vector_stores.file_batches.create_and_poll(store.id, file_ids=ids)
    found = s.vector_stores.file_batches.list_files(made.id, vector_store_id=store.id, limit=2)
    assert {f.id for f in found} == set(ids)


@shows("vector_stores.file_batches.cancel")
def _(s: Session) -> None:
    store = s.vector_stores.create()
    ids = [s.upload(f"Number {n}. {MUGS * 50}") for n in range(12)]
    made = s.vector_stores.file_batches.create(vector_store_id=store.id, file_ids=ids)
    s.vector_stores.file_batches.cancel(made.id, vector_store_id=store.id)
    ended = s.vector_stores.file_batches.poll(made.id, vector_store_id=store.id)
    counts = ended.file_counts
    assert counts.in_progress == 0 and counts.cancelled + counts.completed == 12, ended
    assert ended.status in ("cancelled", "completed"), ended
