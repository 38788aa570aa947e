"""Stores: the vector stores of an index, as OpenAI's API knows them.

files under ids -> attached to a store -> searched there. Attaching only notes that a file waits;
`ingest_queue` reads it. The store that `fsearch ingest` fills is one of them, called "default".
A file may be in several stores, cut up differently in each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import exists, select, update

from filesearch import batch_counts, numbering, rows, store_batches, store_names, store_rows
from filesearch import schema as t
from filesearch.attributes import check_attributes
from filesearch.database import Database
from filesearch.errors import NotFound
from filesearch.filters import Filter
from filesearch.ids import new_id
from filesearch.index_directory import DEFAULT_STORE, IndexDirectory
from filesearch.objects import KEEP, Keep, Transaction
from filesearch.paging import Page, PageQuery
from filesearch.plan import QueryPlan, unplanned
from filesearch.protocols import Embedder
from filesearch.ranking_options import RankingOptions, parse_ranking_options
from filesearch.retrieve import Retriever
from filesearch.store_expiry import check_days, empty_expired
from filesearch.store_records import (
    FileBatch,
    FileStatus,
    NewAttachment,
    SearchOutcome,
    StoreFile,
    VectorStore,
)
from filesearch.store_search import search_stores
from filesearch.tool import check_num_results
from filesearch.types import AttributeValue, ChunkSettings

# Other processes may be the ones that read the files that are waited for.
_LOOK_AGAIN_S = 0.05


class VectorStores:
    """The vector stores of one index. Safe to use from several threads and processes.

    Args:
        index: Where they are; its directory exists.
        embedder: Returns what vectors are made with.
        retriever: Returns what searches.
        plan: Question -> what to search for; see plan.py.
        on_waiting: Called after files were attached that have to be read.

    Every method that names a store, a file in it or a batch raises NotFound when there is none,
    or, where `owner` is given, when it is another's.
    """

    def __init__(
        self,
        index: IndexDirectory,
        *,
        embedder: Callable[[], Embedder],
        retriever: Callable[[], Retriever],
        plan: Callable[[str], QueryPlan],
        on_waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._retriever = retriever
        self._plan = plan
        self._on_waiting = on_waiting

    @property
    def _database(self) -> Database:
        return self._index.catalog.database

    # Stores

    def create(
        self,
        *,
        name: str = "",
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
        expires_after_days: int | None = None,
        owner: str = "",
    ) -> VectorStore:
        """Make an empty store.

        Args:
            name: Need not be the only one of its kind.
            description, metadata: The client's own.
            expires_after_days: Counted from its last use; None keeps it for good.
            owner: Id of the key that makes it, or empty.

        Raises:
            InvalidSetting: `expires_after_days` is not 1 to 365.
        """
        check_days(expires_after_days)
        embedder, settings = self._embedder(), self._index.settings
        chunk_settings = settings.chunk_settings(ChunkSettings())
        store_id, now = new_id("vs"), int(time.time())
        with self._database.writing() as sql:
            store_names.fix_name(sql, DEFAULT_STORE)
            sql.execute(
                numbering.insert_behind(sql, t.vector_stores).values(
                    id=store_id,
                    name=name,
                    created_at=now,
                    generation=0,
                    embedder=embedder.fingerprint,
                    dimension=embedder.dimension,
                    chunk_size=chunk_settings.size,
                    chunk_overlap=chunk_settings.overlap,
                    late_interaction=settings.late_interaction is not False,
                    owner=owner,
                    description=description,
                    metadata=rows.encode_json(dict(metadata or {})),
                    expires_after_days=expires_after_days,
                    last_active_at=now,
                )
            )
            return store_rows.find_store(sql, store_id)

    def get(self, store_id: str, owner: str | None = None) -> VectorStore:
        """Return a store; its counts and its status are of the same instant."""
        with self._database.reading() as sql:
            return store_rows.find_store(sql, store_id, owner)

    def check(self, store_id: str, owner: str | None = None) -> None:
        """See that there is such a store; `get` counts its files too, all of them each time."""
        with self._database.reading() as sql:
            store_names.find_store_row(sql, store_id, owner)

    def page(self, query: PageQuery, owner: str | None = None) -> Page[VectorStore]:
        """Return a part of the list of stores.

        Raises:
            NotFound: A cursor names nothing that is or was in the list.
        """
        with self._database.reading() as sql:
            return store_rows.page_stores(sql, query, owner)

    def update(
        self,
        store_id: str,
        *,
        name: str | Keep = KEEP,
        description: str | Keep | None = KEEP,
        metadata: Mapping[str, str] | Keep = KEEP,
        expires_after_days: int | Keep | None = KEEP,
    ) -> VectorStore:
        """Change what is given, and note that the store is in use.

        One that has expired comes back only with a new `expires_after_days`, or None.

        Raises:
            InvalidSetting: `expires_after_days` is not 1 to 365.
        """
        values: dict[str, object] = {}
        if not isinstance(name, Keep):
            values["name"] = name
        if not isinstance(description, Keep):
            values["description"] = description
        if not isinstance(metadata, Keep):
            values["metadata"] = rows.encode_json(dict(metadata))
        if not isinstance(expires_after_days, Keep):
            check_days(expires_after_days)
            values |= {"expires_after_days": expires_after_days, "last_active_at": int(time.time())}
        with self._database.writing() as sql:
            store_names.fix_name(sql, DEFAULT_STORE)
            store_rows.touch(sql, store_id)
            if values:
                c = t.vector_stores.c
                sql.execute(update(t.vector_stores).where(c.id == store_id).values(**values))
            return store_rows.find_store(sql, store_id)

    def touch(self, store_id: str) -> None:
        """Note that a store is in use now: its expiry moves. One that has expired stays so."""
        with self._database.writing() as sql:
            store_rows.touch(sql, store_id)

    def delete(self, store_id: str) -> None:
        """Delete a store with its batches; the files that were in it stay as objects."""
        with self._database.writing() as sql:
            store_names.fix_name(sql, DEFAULT_STORE)
            store_rows.delete_store(sql, store_id)
            Transaction(sql).delete_children(store_id)
        self._index.sweep()

    def purge(self) -> None:
        """Empty the stores that expired some days ago; see store_expiry.py."""
        if empty_expired(self._database, DEFAULT_STORE):
            self._index.sweep()

    # Files

    def attach(
        self,
        store_id: str,
        attachments: Sequence[NewAttachment],
        *,
        owner: str | None = None,
    ) -> list[StoreFile]:
        """Put files into a store, where they wait to be read; returns them in order, each once.

        Args:
            store_id: The store; that counts as a use of it.
            attachments: Files that exist. One that is in the store already gets the new
                attributes, and is read again only if it failed or shall be cut up otherwise.
            owner: Whose files may be attached; None does not ask.

        Raises:
            NotFound: No such store or file; nothing is attached then.
            StoreExpired: The store has expired.
            InvalidSetting: An attribute cannot be stored.
        """
        with self._database.writing() as sql:
            store = store_rows.find_usable_row(sql, store_id)
            batch_counts.keep_ends(sql, store_id)
            for new in attachments:
                if not store_rows.file_exists(sql, new.file_id, owner):
                    raise NotFound(f"No such File object: {new.file_id}")
                store_rows.attach(sql, store, new)
            store_rows.touch(sql, store_id)
            ids = dict.fromkeys(new.file_id for new in attachments)
            found = [store_rows.find_file(sql, store_id, file_id) for file_id in ids]
        self._on_waiting()
        return found

    def file(self, store_id: str, file_id: str) -> StoreFile:
        """Return a file of a store."""
        with self._database.reading() as sql:
            store_names.find_store_row(sql, store_id)
            return store_rows.find_file(sql, store_id, file_id)

    def files(
        self,
        store_id: str,
        query: PageQuery,
        *,
        status: FileStatus | None = None,
        batch_id: str | None = None,
    ) -> Page[StoreFile]:
        """Return a part of the list of a store's files, or of those in one state or batch.

        Raises:
            NotFound: Also when a cursor names nothing that is or was in the store.
        """
        with self._database.reading() as sql:
            store_names.find_store_row(sql, store_id)
            among = None if batch_id is None else store_batches.members(sql, store_id, batch_id)
            return store_rows.page_files(sql, store_id, query, status=status, among=among)

    def set_attributes(
        self, store_id: str, file_id: str, attributes: Mapping[str, AttributeValue]
    ) -> StoreFile:
        """Replace the attributes of a file in one store.

        Raises:
            InvalidSetting: One cannot be stored.
        """
        checked = check_attributes(attributes)
        self.file(store_id, file_id)
        self._index.catalog.set_attributes(store_id, file_id, checked)
        return self.file(store_id, file_id)

    def detach(self, store_id: str, file_id: str) -> None:
        """Take a file out of a store; the file object stays, and it stays in other stores."""
        with self._database.writing() as sql:
            store_names.find_store_row(sql, store_id)
            store_rows.detach(sql, store_id, file_id)
        self._index.sweep()

    def text(self, store_id: str, file_id: str) -> tuple[str, ...]:
        """Return the text of a file; nothing while it is not searchable."""
        with self._database.reading() as sql:
            store_names.find_store_row(sql, store_id)
            store_rows.find_file(sql, store_id, file_id)
            sf = t.store_files.c
            text = sql.scalar(
                select(t.documents.c.text)
                .join(t.store_files, sf.document_id == t.documents.c.id)
                .where(sf.store_id == store_id, sf.file_id == file_id)
            )
        return () if text is None else (text,)

    # Batches

    def create_batch(
        self,
        store_id: str,
        attachments: Sequence[NewAttachment],
        *,
        owner: str | None = None,
    ) -> FileBatch:
        """Put files into a store as one batch; files that do not exist count as failed.

        Args, and what is raised: as `attach`.
        """
        with self._database.writing() as sql:
            batch = store_batches.create_batch(sql, store_id, attachments, owner)
        self._on_waiting()
        return batch

    def batch(self, store_id: str, batch_id: str) -> FileBatch:
        """Return a batch; its counts and its status are of the same instant."""
        with self._database.reading() as sql:
            store_names.find_store_row(sql, store_id)
            return store_batches.find_batch(sql, store_id, batch_id)

    def cancel_batch(self, store_id: str, batch_id: str) -> FileBatch:
        """Give up on the files of a batch that are not read yet; one that has ended stays so."""
        with self._database.writing() as sql:
            store_names.find_store_row(sql, store_id)
            return store_batches.cancel_batch(sql, store_id, batch_id)

    # Search

    def search(
        self,
        store_ids: Sequence[str],
        queries: Sequence[str],
        *,
        top_k: int,
        filters: Filter | None = None,
        ranking_options: RankingOptions | Mapping[str, object] | None = None,
        rewrite_query: bool = False,
        owner: str | None = None,
        should_fill: bool = True,
        should_locate: bool = True,
    ) -> SearchOutcome:
        """Return the passages of some stores that match, best first, no two sharing a character.

        Every store and every query has its share of what comes back.

        Args:
            store_ids, queries: Stores; questions or words. None, and blank ones, find nothing.
            top_k: 1..50; see Retriever.search on when fewer come back.
            filters: OpenAI's attribute filter, applied before ranking; see filters.py.
            ranking_options: OpenAI's; where silent, the settings hold. See ranking_options.py.
            rewrite_query: Search for what a plan makes of each query; see plan.py.
            should_fill, should_locate: See Retriever.search.

        Raises:
            NotFound, StoreExpired: There is no such store, or one has expired.
            IndexMismatch: One of them was made with another embedder.
            InvalidSetting, InvalidFilter: `top_k`, `ranking_options` or `filters` cannot be used.
            RerankFailed: The reranker that the settings name gave no scores.
        """
        plan = self._plan if rewrite_query else unplanned
        return search_stores(
            self._index,
            self._retriever(),
            store_ids,
            [planned for query in queries for planned in plan(query).queries],
            top_k=check_num_results(top_k),
            filters=filters,
            options=parse_ranking_options(ranking_options),
            owner=owner,
            should_fill=should_fill,
            should_locate=should_locate,
        )

    def existing(self, store_ids: Sequence[str]) -> list[str]:
        """Return those of some stores that there are: a run treats a deleted one as empty."""
        c = t.vector_stores.c
        with self._database.reading() as sql:
            known = set(sql.scalars(select(c.id).where(c.id.in_(store_ids))))
        return [store_id for store_id in dict.fromkeys(store_ids) if store_id in known]

    def wait_until_ready(
        self,
        store_ids: Sequence[str],
        timeout_s: float,
        cancel: threading.Event | None = None,
    ) -> bool:
        """Wait until no file of some stores has still to be read; returns whether that came.

        Args:
            store_ids: The stores; those that do not exist have no files.
            timeout_s: How long at most.
            cancel: Ends the waiting when it is set.
        """
        give_up = cancel or threading.Event()
        deadline = time.monotonic() + timeout_s
        while not self._is_ready(store_ids):
            left = deadline - time.monotonic()
            if left <= 0 or give_up.wait(min(_LOOK_AGAIN_S, left)):
                return False
        return True

    def _is_ready(self, store_ids: Sequence[str]) -> bool:
        sf = t.store_files.c
        waiting = exists().where(sf.status == "in_progress", sf.store_id.in_(store_ids))
        with self._database.reading() as sql:
            return not sql.scalar(select(waiting))
