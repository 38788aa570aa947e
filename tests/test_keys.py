"""Keys: made, found, revoked and counted, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from filesearch.database import Database
from filesearch.errors import InvalidSetting, NotFound
from filesearch.keys import SETTINGS_KEY, KeyRing, Keys
from filesearch.objects import Objects


@pytest.fixture
def objects(url):
    database = Database(url)
    yield Objects(database)
    database.close()


@pytest.fixture
def keys(objects):
    return Keys(objects)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_a_key_is_shown_once_and_never_kept(keys, objects):
    key, secret = keys.create("laptop")
    assert secret.startswith("fsk-")
    assert len(secret) >= 4 + 43  # 32 bytes in base64
    with objects.reading() as tx:
        (record,) = tx.select("key")
    assert secret not in str(record)
    assert secret[4:] not in str(record)
    assert (key.name, key.hint, key.id) == ("laptop", secret[-4:], record.id)


def test_keys_are_listed_in_the_order_they_were_made(keys):
    made = [keys.create(name)[0] for name in ("b", "a", "c")]
    assert keys.list() == made


def test_a_secret_finds_its_key_and_nothing_else_does(keys):
    (first, one), (second, two) = keys.create(), keys.create()
    ring = KeyRing(keys)
    assert (ring.find(one), ring.find(two)) == (first, second)
    for wrong in ("", "fsk-", one[:-1], one + "x", one.upper(), "fsk-\udcff", first.id):
        assert ring.find(wrong) is None


def test_a_revoked_key_is_refused_within_a_second(keys):
    key, secret = keys.create()
    ring = KeyRing(keys, clock=(clock := Clock()))
    assert ring.find(secret) == key
    assert keys.revoke(key.id).revoked_at is not None
    clock.now += 1
    assert ring.find(secret) is None


def test_revoking_twice_keeps_the_first_time(keys):
    key, _ = keys.create()
    assert keys.revoke(key.id) == keys.revoke(key.id)


def test_an_unknown_key_cannot_be_revoked(keys):
    with pytest.raises(NotFound, match="no key has the id 'key_x'"):
        keys.revoke("key_x")


def test_without_any_key_none_is_required(keys):
    assert not KeyRing(keys).is_required
    assert KeyRing(keys, is_public=True).is_required
    assert KeyRing(keys, settings_key="s").is_required


def test_a_server_takes_notice_of_the_first_key_within_a_second(keys):
    ring = KeyRing(keys, clock=(clock := Clock()))
    assert not ring.is_required
    keys.create()
    clock.now += 1
    assert ring.is_required


def test_revoking_the_last_key_does_not_open_the_server(keys):
    keys.revoke(keys.create()[0].id)
    ring = KeyRing(keys)
    assert ring.is_required
    assert not ring.has_valid_key


def test_the_key_of_the_settings_is_a_key(keys):
    ring = KeyRing(keys, settings_key="my own words")
    assert ring.find("my own words") is SETTINGS_KEY
    assert ring.find("my own word") is None
    assert ring.has_valid_key


def test_the_last_use_is_kept_once_a_minute(keys):
    key, _ = keys.create()
    ring = KeyRing(keys)
    assert [ring.must_note(key) for _ in range(3)] == [True, False, False]
    keys.note_use(key.id, 5000)
    keys.note_use(key.id, 5059)
    assert keys.list()[0].last_used_at == 5000
    keys.note_use(key.id, 5060)
    assert keys.list()[0].last_used_at == 5060


def test_the_use_of_a_key_that_was_revoked_meanwhile_is_not_kept(keys):
    key, _ = keys.create()
    keys.revoke(key.id)
    keys.note_use(key.id, 5000)
    assert keys.list()[0].last_used_at is None


@pytest.mark.parametrize("name", ["x" * 65, "a\nb", "\x1b[2J"])
def test_a_name_that_cannot_be_shown_is_refused(keys, name):
    with pytest.raises(InvalidSetting, match="key name"):
        keys.create(name)


@pytest.mark.parametrize("rate", [0, -1, 1_000_001])
def test_a_rate_out_of_bounds_is_refused(keys, rate):
    with pytest.raises(InvalidSetting, match="requests a minute"):
        keys.create(requests_per_minute=rate)


def test_while_the_database_is_away_the_keys_are_those_read_last(keys, monkeypatch, caplog):
    (kept, one), (revoked, two) = keys.create(), keys.create()
    keys.revoke(revoked.id)
    ring = KeyRing(keys, clock=(clock := Clock()))
    assert ring.find(one) == kept

    def refuse():
        raise OperationalError("SELECT", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(keys, "hashes", refuse)
        for _ in range(3):
            clock.now += 1
            assert (ring.find(one), ring.find(two)) == (kept, None)
            assert ring.find("fsk-other") is None
            assert ring.is_required
        assert caplog.text.count("keys could not be read") == 3  # asked once a second, not more
    keys.revoke(kept.id)
    clock.now += 1
    assert ring.find(one) is None


def test_keys_that_were_never_read_let_nobody_in(keys, monkeypatch):
    def refuse():
        raise OSError("away")

    monkeypatch.setattr(keys, "hashes", refuse)
    with pytest.raises(OSError, match="away"):
        KeyRing(keys).find("fsk-any")
