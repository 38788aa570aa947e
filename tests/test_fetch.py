"""Fetch: what is taken from a URL, and what is refused; against a server on this machine."""

import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest

from filesearch.errors import InvalidFile, NotFound
from filesearch.fetch import FetchLimits, fetch, is_url
from filesearch.public_addresses import find_addresses, is_public

HERE = FetchLimits(allow_private=True)


class Pages(BaseHTTPRequestHandler):
    """A few pages, and a few that misbehave."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Host"]))
        bodies = {
            "/guide": ("text/html; charset=gbk", "<p>退款窗口三十天</p>".encode("gbk")),
            "/notes.md": ("text/plain", b"# Notes\n"),
            "/table?format=csv": ("text/csv", b"a,b\n1,2\n"),
            "/huge": ("text/plain", b"x" * 3000),
        }
        places = {"/moved": "/notes.md", "/round": "/round", "/out": "http://10.0.0.1/"}
        places["/file"] = "file:///etc/passwd"
        if self.path in bodies:
            self._send(200, *bodies[self.path])
        elif self.path in places:
            self.send_response(302)
            self.send_header("Location", places[self.path])
            self.end_headers()
        elif self.path == "/trickle":
            self._trickle()
        else:
            self._send(404, "text/plain", b"no")

    def _send(self, status, media_type, body):
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self):
        self.send_response(200)
        try:
            for _ in range(100):
                self.wfile.write(b"X-Slow: 1\r\n")
                self.send_header("X-Slow", "1")
                self.flush_headers()
                time.sleep(0.05)
        except OSError:
            return

    def log_message(self, *_args):
        """Stay silent."""


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_is_named_by_its_url_and_kept_as_it_came(site, tmp_path):
    source = fetch(f"{site.url}/notes.md", tmp_path, HERE)
    assert source.path.read_bytes() == b"# Notes\n"
    assert source.filename == source.key == f"{site.url}/notes.md"
    assert (source.load_name, source.size_bytes) == ("notes.md", 8)


def test_the_stated_type_names_what_the_url_does_not(site, tmp_path):
    assert fetch(f"{site.url}/guide", tmp_path, HERE).load_name == "guide.html"
    assert fetch(f"{site.url}/table?format=csv", tmp_path, HERE).load_name == "table.csv"


def test_a_stated_charset_is_believed(site, tmp_path):
    source = fetch(f"{site.url}/guide", tmp_path, HERE)
    assert source.path.read_text("utf-8-sig") == "<p>退款窗口三十天</p>"


def test_a_redirect_is_followed_and_the_url_stays_the_one_given(site, tmp_path):
    source = fetch(f"{site.url}/moved", tmp_path, HERE)
    assert (source.filename, source.load_name) == (f"{site.url}/moved", "notes.md")


def test_redirects_end(site, tmp_path):
    with pytest.raises(InvalidFile, match="leads on more than 5 times"):
        fetch(f"{site.url}/round", tmp_path, HERE)
    assert len(site.asked) == 6


def test_what_is_not_there_is_not_found(site, tmp_path):
    with pytest.raises(NotFound, match=r"nothing at .*/nowhere' \(404\)"):
        fetch(f"{site.url}/nowhere", tmp_path, HERE)


def test_too_much_is_refused_and_nothing_is_left(site, tmp_path):
    with pytest.raises(InvalidFile, match="larger than"):
        fetch(f"{site.url}/huge", tmp_path, FetchLimits(size_bytes=1000, allow_private=True))
    assert not list(tmp_path.iterdir())


def test_an_answer_that_trickles_in_is_ended(site, tmp_path):
    with pytest.raises(InvalidFile, match=r"took over 0\.4 s"):
        fetch(f"{site.url}/trickle", tmp_path, FetchLimits(seconds=0.4, allow_private=True))


def test_a_server_that_says_nothing_is_left(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(InvalidFile, match="did not answer in time"):
            fetch(url, tmp_path, FetchLimits(silence_s=0.2, allow_private=True))


# What is refused


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
def test_this_machine_is_refused_however_it_is_spelt(site, tmp_path, host):
    with pytest.raises(InvalidFile, match="not a public address"):
        fetch(f"http://{host}:{site.server_port}/notes.md", tmp_path)
    assert site.asked == []


@pytest.mark.parametrize("where", ["/out", "/file"])
def test_a_redirect_is_checked_as_the_url_is(site, tmp_path, monkeypatch, where):
    checked = []

    def find(host, port, *, allow_private):
        checked.append(host)
        return find_addresses(host, port, allow_private=host == "127.0.0.1")

    monkeypatch.setattr("filesearch.fetch.find_addresses", find)
    with pytest.raises(InvalidFile, match=r"not a public address|not an http or https URL"):
        fetch(f"{site.url}{where}", tmp_path)
    assert checked == ["127.0.0.1", "10.0.0.1"][: 2 if where == "/out" else 1]


def test_the_connection_goes_to_the_address_that_was_checked(site, tmp_path, monkeypatch):
    """A name that says another address the second time finds nobody who asks a second time."""
    looked_up = []

    def rebind(host, port, **_options):
        looked_up.append(host)
        where = "127.0.0.1" if len(looked_up) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (where, port))]

    resolve = socket.getaddrinfo

    def resolve_names(host, port, *args, **options):
        is_name = host == "rebind.example"
        return rebind(host, port) if is_name else resolve(host, port, *args, **options)

    monkeypatch.setattr("socket.getaddrinfo", resolve_names)
    url = f"http://rebind.example:{site.server_port}/notes.md"
    assert fetch(url, tmp_path, HERE).filename == url
    assert looked_up == ["rebind.example"]
    assert site.asked == [("/notes.md", f"rebind.example:{site.server_port}")]


def test_a_certificate_must_be_for_the_name_in_the_url(site, tmp_path, own_certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_certificate)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    with pytest.raises(InvalidFile, match=r"cannot be fetched.*certificate"):
        fetch(f"https://127.0.0.1:{site.server_port}/notes.md", tmp_path, HERE)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "::7f00:1",
        "::a9fe:a9fe",
        "::ffff:0:127.0.0.1",
        "192.0.0.8",
        "3fff::1",
        "5f00::1",
    ],
)
def test_an_address_that_is_not_public_is_known(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_known(address):
    assert is_public(ip_address(address))


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    found = [(0, 0, 0, "", (where, 80)) for where in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_options: found)
    with pytest.raises(InvalidFile, match=r"is at 10\.0\.0\.1"):
        find_addresses("mixed.example", 80)


def test_a_url_with_a_password_is_refused_without_showing_it(tmp_path):
    with pytest.raises(InvalidFile, match="carries a password") as refused:
        fetch("https://noor:secret@example.com/", tmp_path)
    assert "secret" not in str(refused.value)


def test_urls_are_told_from_paths():
    assert is_url("HTTPS://example.com")
    assert not is_url("http-notes.md")
    assert not is_url("file:///etc/passwd")
