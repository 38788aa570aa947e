"""Shared fixtures: documents, an index that needs no model, and a database of each kind."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import HealthCheck, settings

from filesearch import FileSearch
from filesearch.database import sqlite_url
from filesearch.testing import HashingEmbedder


def _trust_one_certificate() -> None:
    """Keep HTTP clients from reading 150 certificates each, half of the time of many tests.

    Nothing here is asked over the internet, and tests of certificates bring their own; what
    installs packages takes OUTER_SSL_CERT_FILE (see sdk/environments.py).
    """
    mark = "-----END CERTIFICATE-----\n"
    first, _, _ = Path(certifi.where()).read_text(encoding="utf-8").partition(mark)
    handle, name = tempfile.mkstemp(suffix=".pem")
    os.write(handle, (first[first.index("-----BEGIN") :] + mark).encode())
    os.close(handle)
    os.environ["OUTER_SSL_CERT_FILE"] = os.environ.get("SSL_CERT_FILE", "")
    os.environ["SSL_CERT_FILE"] = name
    atexit.register(os.unlink, name)


_trust_one_certificate()

# The same examples in every run: a gate that fails by the luck of the draw says nothing of a
# change. `pytest --hypothesis-profile=default` draws others. No time limit: cores are busy.
settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No fsearch.toml, FSEARCH_ variable or measurement of the machine may reach a test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in os.environ:
        if name.startswith("FSEARCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with three small documents on different things."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mugs.md").write_text(
        "# Returns\n\nA mug may be returned within 30 days of delivery.\n\n"
        "## Wholesale\n\nWholesale orders cannot be returned.\n"
    )
    (folder / "kiln.txt").write_text("The kiln reaches 1280 degrees in nine hours.\n")
    (folder / "staff.md").write_text("Noor runs the studio. Tomas teaches the evening class.\n")
    return folder


@pytest.fixture
def make_fs(tmp_path: Path) -> Iterator[Callable[..., FileSearch]]:
    """Opens the test's index, again and again if asked, and closes all at the end."""
    opened = []

    def make(**overrides: object) -> FileSearch:
        overrides.setdefault("embedder", HashingEmbedder())
        fs = FileSearch(tmp_path / "index", **overrides)  # type: ignore[arg-type]
        opened.append(fs)
        return fs

    yield make
    for fs in opened:
        fs.close()


@pytest.fixture
def fs(make_fs: Callable[..., FileSearch]) -> FileSearch:
    """The test's index, opened once."""
    return make_fs()


@pytest.fixture
def own_certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key, in one file."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "own.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def find_postgres_binaries() -> Path | None:
    """The newest installed server's bin directory."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in installed), key=lambda p: int(p.parent.name), default=None)


@pytest.fixture(scope="session")
def postgres_socket():
    """A private server on a socket in a folder of its own; ended by the process it is."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    binaries = find_postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    # The server refuses to run as root.
    names = [entry.pw_name for entry in pwd.getpwall()]
    runs_as = {}
    if os.geteuid() == 0:
        user = next((name for name in ("postgres", "nobody") if name in names), None)
        if user is None:
            pytest.skip("PostgreSQL cannot run as root, and there is no other user")
        runs_as = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    # Not tmp_path: the name of a socket is at most 107 bytes long.
    folder = Path(tempfile.mkdtemp(prefix="fsearch-pg-"))
    if runs_as:
        shutil.chown(folder, runs_as["user"], runs_as["group"])
    data = folder / "data"
    made = subprocess.run(
        [binaries / "initdb", "-D", data, *"-U tester -A trust -N -E UTF8 --locale=C".split()],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        **runs_as,
    )
    assert made.returncode == 0, made.stderr
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-F", "-k", folder, "-c", "listen_addresses="],
        stdout=log,
        stderr=log,
        cwd=folder,
        **runs_as,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(host=str(folder), user="tester", dbname="postgres").close()
                break
            except psycopg.OperationalError:
                assert server.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
        yield folder
    finally:
        server.send_signal(signal.SIGQUIT)  # at once; nothing in it is worth a checkpoint
        server.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def make_postgres_url(postgres_socket):
    """Makes new, empty schemas and returns their URLs: a tenth of the time of a database."""
    import psycopg

    server = {"host": str(postgres_socket), "user": "tester", "dbname": "postgres"}

    def make():
        name = f"t{time.monotonic_ns()}"
        with psycopg.connect(**server, autocommit=True) as sql:
            sql.execute(f"CREATE SCHEMA {name}")
        options = f"options=-csearch_path%3D{name}"
        return f"postgresql+psycopg://tester@/postgres?host={postgres_socket}&{options}"

    return make


@pytest.fixture
def postgres_url(make_postgres_url):
    """The URL of a new, empty schema."""
    return make_postgres_url()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The URL of an empty catalog, once on each database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "catalog.db")
    return request.getfixturevalue("postgres_url")
