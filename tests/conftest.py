"""Shared fixtures: a folder of documents, and an index that needs no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filesearch import FileSearch
from filesearch.testing import HashingEmbedder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No fsearch.toml and no FSEARCH_ variable of the machine may reach a test."""
    import os

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
