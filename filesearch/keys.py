"""Keys: who may use the server.

A key is `fsk-` and 32 random bytes. It is shown once, when it is made; kept is its SHA-256. A slow
hash with salt, as for passwords, would protect nothing here: nobody guesses or precomputes 256
random bits, and every request has to be checked.

Keys are required as soon as one was ever made or the setting `api_key` is there, and always where
the server can be reached from other machines. Revoking the last key does not open the server
again: a mistake must not do that.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from filesearch.errors import InvalidSetting, NotFound

if TYPE_CHECKING:
    from filesearch.objects import Objects, Record

log = logging.getLogger(__name__)

KEY_PREFIX = "fsk-"
_KIND: Final = "key"
_ACTIVE, _REVOKED = "active", "revoked"
_RANDOM_BYTES = 32
_MAX_NAME = 64
MAX_RATE = 1_000_000
# Other processes make and revoke keys; this is how long we may not have heard of it.
_REFRESH_S = 1.0
_LAST_USED_STEP_S = 60


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept: without what a caller would have to send.

    Attributes:
        id: "key_...", the name it has in logs and as owner of objects.
        name: What it is for, in its maker's words; may be empty.
        hint: Its last four characters, to tell keys apart.
        requests_per_minute: Its own limit; None takes the server's.
        created_at, last_used_at, revoked_at: Unix seconds; the last use is known to the minute.
    """

    id: str
    name: str
    hint: str
    requests_per_minute: int | None
    created_at: int
    last_used_at: int | None
    revoked_at: int | None


# The key of the settings is no object, but has a name like one.
SETTINGS_KEY = Key("key_settings", "settings", "", None, 0, None, None)


# Within the class `list` is its method.
_Keys: TypeAlias = list[Key]


class Keys:
    """The keys of one index. Safe to use from several threads and processes.

    Args:
        objects: Where they are kept.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def create(self, name: str = "", *, requests_per_minute: int | None = None) -> tuple[Key, str]:
        """Make a key; returns it with the secret, which cannot be had again.

        Args:
            name: At most 64 characters.
            requests_per_minute: 1 to 1,000,000; None takes the server's limit, if it has one.

        Raises:
            InvalidSetting: The name is too long, or the limit out of bounds.
        """
        if len(name) > _MAX_NAME or not name.isprintable():
            raise InvalidSetting(
                f"key name {name!r} cannot be used; give at most {_MAX_NAME} printable characters"
            )
        if requests_per_minute is not None and not 1 <= requests_per_minute <= MAX_RATE:
            raise InvalidSetting(
                f"a limit of {requests_per_minute} requests a minute cannot be kept; "
                f"choose 1 to {MAX_RATE}"
            )
        secret = KEY_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        body = {
            "name": name,
            "hash": _digest(secret),
            "hint": secret[-4:],
            "requests_per_minute": requests_per_minute,
            "last_used_at": None,
            "revoked_at": None,
        }
        with self._objects.writing() as tx:
            return _key(tx.insert(_KIND, body, status=_ACTIVE)), secret

    def list(self) -> _Keys:
        """Return all keys, the revoked ones too, in the order they were made."""
        with self._objects.reading() as tx:
            return [_key(record) for record in tx.select(_KIND)]

    def revoke(self, key_id: str) -> Key:
        """Make a key invalid, for good; servers take notice within a second.

        Revoking a revoked key changes nothing.

        Raises:
            NotFound: There is no such key.
        """
        with self._objects.writing() as tx:
            record = tx.find(_KIND, key_id)
            if record is None:
                raise NotFound(f"no key has the id '{key_id}'; list them with: fsearch keys list")
            if record.status == _ACTIVE:
                body = {**record.body, "revoked_at": int(time.time())}
                record = tx.update(record, body=body, status=_REVOKED)
        return _key(record)

    def hashes(self) -> dict[str, Key]:
        """Return all keys by the hash of their secrets, the revoked ones too."""
        with self._objects.reading() as tx:
            return {str(record.body["hash"]): _key(record) for record in tx.select(_KIND)}

    def note_use(self, key_id: str, now: int) -> None:
        """Keep when a key was last used, at most once a minute."""
        with self._objects.writing() as tx:
            record = tx.find(_KIND, key_id)
            if record is None or record.status != _ACTIVE:
                return
            if now - (record.body["last_used_at"] or 0) >= _LAST_USED_STEP_S:
                tx.update(record, body={**record.body, "last_used_at": now})


def _key(record: Record) -> Key:
    body: dict[str, Any] = record.body
    return Key(
        record.id,
        body["name"],
        body["hint"],
        body["requests_per_minute"],
        record.created_at,
        body["last_used_at"],
        body["revoked_at"],
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class KeyRing:
    """Tells whose a secret is, from memory: the keys are read again every second at most.

    Args:
        keys: The keys of the index.
        settings_key: The setting `api_key`; empty for none.
        is_public: Whether other machines can reach the server, so that a key is always needed.
        clock: Seconds, never going back.

    Safe to use from several threads. `find` and `is_required` may read the database. While it
    cannot be read, the keys are those that were read last: whether a database is away is what
    a server must still be able to tell its operator. Before they were ever read, the questions
    raise what the database does (database_errors.FAILURES, OSError).
    """

    def __init__(
        self,
        keys: Keys,
        *,
        settings_key: str = "",
        is_public: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._settings_digest = _digest(settings_key) if settings_key else ""
        self._is_public = is_public
        self._clock = clock
        self._known: dict[str, Key] | None = None
        self._read_at = float("-inf")
        self._noted: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def is_stale(self) -> bool:
        """Whether the next question reads the database, so better not on the event loop."""
        return self._clock() - self._read_at >= _REFRESH_S

    @property
    def has_valid_key(self) -> bool:
        """Whether anything at all would be accepted."""
        known = self._refreshed()
        return bool(self._settings_digest) or any(key.revoked_at is None for key in known.values())

    @property
    def is_required(self) -> bool:
        """Whether a request needs a key."""
        known = self._refreshed()
        return self._is_public or bool(self._settings_digest or known)

    def find(self, secret: str) -> Key | None:
        """Return the key with this secret, None when there is none or it is revoked."""
        known = self._refreshed()
        presented = _digest(secret)
        if self._settings_digest and hmac.compare_digest(presented, self._settings_digest):
            return SETTINGS_KEY
        found = None
        # Every key is compared, and each in constant time: how long it takes tells nothing.
        for stored, key in known.items():
            if hmac.compare_digest(presented, stored):
                found = key
        return None if found is None or found.revoked_at is not None else found

    def must_note(self, key: Key) -> bool:
        """Say whether this use of a key is to be kept; true at most once a minute for each."""
        now = int(time.time())
        with self._lock:
            if key is SETTINGS_KEY or now - self._noted.get(key.id, 0) < _LAST_USED_STEP_S:
                return False
            self._noted[key.id] = now
        return True

    def note_use(self, key: Key) -> None:
        """Keep that a key was used now; writes to the database."""
        self._keys.note_use(key.id, int(time.time()))

    def _refreshed(self) -> dict[str, Key]:
        """Return the keys by the hash of their secrets, read again where that was long ago."""
        from filesearch.database_errors import FAILURES  # loaded with the database

        with self._lock:
            if self._known is None or self.is_stale:
                try:
                    self._known = self._keys.hashes()
                except (*FAILURES, OSError) as error:
                    if self._known is None:
                        raise
                    log.warning("keys could not be read; those read last hold", exc_info=error)
                self._read_at = self._clock()
            return self._known
