"""Database: its connections are few, threads queue for them, and what goes wrong is said."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, text

from filesearch.database import Database
from filesearch.errors import DatabaseAway, IndexProblem, InvalidValue
from filesearch.schema import meta


@pytest.fixture
def database(url):
    found = Database(url)
    yield found
    found.close()


def test_many_readers_at_once_share_few_connections_of_postgresql(postgres_url):
    database = Database(postgres_url)

    def read(_number):
        with database.reading() as sql:
            return sql.scalar(text("SELECT pg_backend_pid() FROM pg_sleep(0.05)"))

    with ThreadPoolExecutor(60) as threads:
        connections = list(threads.map(read, range(60)))
    database.close()
    assert len(connections) == 60
    assert len(set(connections)) <= 8


def test_writers_that_wait_leave_readers_their_connections(database):
    def write():
        with database.writing():
            pass

    writers = [threading.Thread(target=write) for _ in range(60)]
    with database.writing():
        for writer in writers:
            writer.start()
        writers[-1].join(0.5)  # until all of them wait
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(database._schema_version).result(timeout=10)
    for writer in writers:
        writer.join()


END_CONNECTION = text("SELECT pg_terminate_backend(:pid, 10000)")


def end_connection(database, url):
    """End the connection that waits in the pool, as a restart of the server does."""
    with database.reading() as sql:
        pid = sql.scalar(text("SELECT pg_backend_pid()"))
    other = Database(url)
    with other.reading() as sql:
        assert sql.scalar(END_CONNECTION, {"pid": pid})
    other.close()


def test_a_connection_that_ended_while_it_waited_is_replaced_unseen(postgres_url):
    database = Database(postgres_url)
    end_connection(database, postgres_url)
    assert database._schema_version()
    end_connection(database, postgres_url)
    with database.writing() as sql:
        sql.execute(insert(meta).values(key="k", value="v"))
    database.close()


def test_a_connection_that_is_lost_in_a_transaction_is_told_in_words(postgres_url):
    database = Database(postgres_url)

    def lose_it():
        with database.reading() as sql:
            sql.execute(END_CONNECTION, {"pid": sql.scalar(text("SELECT pg_backend_pid()"))})

    with pytest.raises(DatabaseAway, match="terminating connection") as caught:
        lose_it()
    assert caught.value.exit_code == 3
    assert "SELECT" not in str(caught.value)
    assert database._schema_version()
    database.close()


def test_a_database_that_takes_no_connections_is_away_until_it_does(postgres_url, monkeypatch):
    database = Database(postgres_url)
    database._engine.dispose()
    with monkeypatch.context() as patch:
        patch.setenv("PGPORT", "1")  # where the URL names none
        with pytest.raises(DatabaseAway, match=r"\(no connection to it\); try again"):
            database._schema_version()
    assert database._schema_version()
    database.close()


def test_what_a_role_may_not_do_is_told_without_values(postgres_url):
    database = Database(postgres_url)
    with database.writing() as sql:
        schema = sql.scalar(text("SELECT current_schema()"))
        sql.execute(text(f"CREATE ROLE r{schema} LOGIN"))
        sql.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO r{schema}"))
        sql.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO r{schema}"))
    reader = Database(postgres_url.replace("tester@", f"r{schema}@"))
    assert reader._schema_version()
    with pytest.raises(IndexProblem, match="permission denied for table meta") as caught:
        keep(reader, "secret")
    assert "secret" not in str(caught.value)
    for one in (database, reader):
        one.close()


def keep(database, value):
    with database.writing() as sql:
        sql.execute(insert(meta).values(key=value, value=value))


def test_a_database_that_can_only_be_read_is_told(postgres_url):
    Database(postgres_url).close()
    standby = Database(f"{postgres_url}%20-cdefault_transaction_read_only%3Don")
    with pytest.raises(IndexProblem, match="can only be read"):
        keep(standby, "secret")
    standby.close()


@pytest.mark.parametrize("value", ["a\0", 2**70])
def test_a_value_that_the_database_cannot_hold_is_told(postgres_url, value):
    database = Database(postgres_url)

    def ask():
        with database.reading() as sql:
            kind = "text" if isinstance(value, str) else "bigint"
            sql.execute(text(f"SELECT CAST(:value AS {kind})"), {"value": value})

    with pytest.raises(InvalidValue, match="the database cannot hold a value"):
        ask()
    database.close()


def test_an_error_that_nobody_foresaw_shows_no_values(database):
    def ask():
        with database.reading() as sql:
            sql.execute(text("SELECT nothing FROM meta WHERE key = :k"), {"k": "secret"})

    with pytest.raises(Exception, match="nothing") as caught:
        ask()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_does_not_hold_every_text_is_refused(postgres_socket, encoding):
    """SQL_ASCII is what initdb makes where LANG says nothing of letters."""
    psycopg = pytest.importorskip("psycopg")
    name = f"db_{encoding.lower()}"
    server = {"host": str(postgres_socket), "user": "tester", "dbname": "postgres"}
    with psycopg.connect(**server, autocommit=True) as sql:
        sql.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0")
    with pytest.raises(IndexProblem, match=f"encoded as {encoding}.* ENCODING 'UTF8'"):
        Database(f"postgresql://tester@/{name}?host={postgres_socket}")


def test_text_is_text_whatever_the_client_says_of_its_encoding(postgres_url, monkeypatch):
    monkeypatch.setenv("PGCLIENTENCODING", "SQL_ASCII")
    database = Database(postgres_url)
    with database.reading() as sql:
        assert sql.scalar(text("SELECT 'ä'")) == "ä"
    database.close()
