"""Rerank over HTTP: what is asked of each kind of server, and what is made of its answers."""

import datetime
import email.utils
import socket
import ssl
import time

import pytest

from filesearch.adapters import make_reranker
from filesearch.errors import InvalidSetting, RerankFailed
from filesearch.rerank.http import HttpReranker

QUESTION = "how hot is the kiln"
TEXTS = ["the kiln is hot", "mugs", "  ", "is"]
SCORES = [0.8, 0.0, 0.0, 0.2]
KEY = "sk-clay-1234"


@pytest.fixture
def tei(server):
    return HttpReranker(f"{server.url}/tei")


@pytest.mark.parametrize("name", ["tei:URL/tei", "jina:URL/jina#m", "cohere:URL/cohere#m"])
def test_each_style_is_spoken(server, ask, name):
    reranker = make_reranker(name.replace("URL", server.url))
    assert reranker.rerank(ask(QUESTION, TEXTS)) == pytest.approx(SCORES)
    [(_headers, fields)] = server.seen
    assert fields["query"] == QUESTION
    assert fields.get("texts", fields.get("documents")) == ["the kiln is hot", "mugs", "is"]


def test_a_bare_url_is_of_the_style_that_serves_one_model(server, ask):
    reranker = make_reranker(server.url)
    assert reranker.rerank(ask(QUESTION, TEXTS)) == pytest.approx(SCORES)
    assert reranker.name == "127.0.0.1"


def test_a_model_after_the_url_makes_it_cohere(server, ask):
    reranker = make_reranker(f"{server.url}/cohere#rerank-v4")
    assert reranker.rerank(ask(QUESTION, TEXTS)) == pytest.approx(SCORES)
    assert server.seen[0][1]["model"] == reranker.name == "rerank-v4"


def test_blank_questions_and_passages_are_not_sent(server, tei, ask):
    assert tei.rerank(ask(" ", TEXTS)).tolist() == [0, 0, 0, 0]
    assert tei.rerank(ask(QUESTION, ["", "\n"])).tolist() == [0, 0]
    assert server.seen == []


def test_many_passages_go_in_requests_that_the_server_takes(server, tei, ask):
    assert tei.rerank(ask(QUESTION, TEXTS * 20)) == pytest.approx(SCORES * 20)
    assert [len(fields["texts"]) for _headers, fields in server.seen] == [32, 28]


def test_the_key_is_sent_as_a_bearer_token(server, ask):
    make_reranker(f"tei:{server.url}/tei", api_key=KEY).rerank(ask(QUESTION, TEXTS))
    make_reranker(f"tei:{server.url}/tei").rerank(ask(QUESTION, TEXTS))
    first, second = (headers.get("Authorization") for headers, _fields in server.seen)
    assert (first, second) == (f"Bearer {KEY}", None)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_tried_again(server, tei, ask, reply, status):
    server.plan.append(reply(status))
    assert tei.rerank(ask(QUESTION, TEXTS)) == pytest.approx(SCORES)
    assert len(server.seen) == 2


def test_a_broken_answer_is_tried_again(server, tei, ask, reply):
    server.plan.append(reply(body=b"[{", announced=400))
    assert tei.rerank(ask(QUESTION, TEXTS)) == pytest.approx(SCORES)


def test_after_four_tries_it_is_over(server, tei, ask, reply):
    server.plan.extend([reply(500, body=b"out\nof  memory")] * 9)
    with pytest.raises(RerankFailed, match="answers 500 Internal Server Error: out of memory; try"):
        tei.rerank(ask(QUESTION, TEXTS))
    assert len(server.seen) == 4


def test_the_pause_that_the_server_asks_for_is_kept(server, tei, ask, reply):
    server.plan.append(reply(429, headers={"Retry-After": "1"}))
    start = time.monotonic()
    assert tei.rerank(ask(QUESTION, TEXTS)) == pytest.approx(SCORES)
    assert time.monotonic() - start >= 1


def in_an_hour():
    return email.utils.format_datetime(
        datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1), usegmt=True
    )


@pytest.mark.parametrize("after", ["3600", in_an_hour()], ids=["seconds", "date"])
def test_a_pause_beyond_the_deadline_is_not_waited_for(server, tei, ask, reply, after):
    server.plan.append(reply(429, headers={"Retry-After": after}))
    with pytest.raises(RerankFailed, match=r"asks to wait 3\d{3} s"):
        tei.rerank(ask(QUESTION, TEXTS))  # an hour of waiting would not pass unnoticed


@pytest.mark.parametrize("after", ["soon", "-5", "", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_pause_that_says_nothing_is_the_usual_one(server, tei, ask, reply, after):
    server.plan.append(reply(503, headers={"Retry-After": after}))
    assert tei.rerank(ask(QUESTION, TEXTS)) == pytest.approx(SCORES)


@pytest.mark.parametrize("slow", [{"wait_s": 90.0}, {"drip_s": 0.05, "body": b" " * 1800}])
def test_a_slow_server_costs_no_more_than_the_timeout(server, ask, reply, slow):
    server.plan.append(reply(**slow))
    start = time.monotonic()
    with pytest.raises(RerankFailed, match="did not answer in time"):
        HttpReranker(f"{server.url}/tei", timeout_s=0.4).rerank(ask(QUESTION, TEXTS))
    assert time.monotonic() - start < 30


def test_nobody_at_the_address_is_said(ask):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RerankFailed, match=rf"127.0.0.1:{port}/rerank cannot be reached: .*refuse"):
        HttpReranker(f"http://127.0.0.1:{port}", timeout_s=1).rerank(ask(QUESTION, TEXTS))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>", "is not of the style asked for"),
        (b"", "is not of the style asked for"),
        (b"\xff\xfe[]", "is not of the style asked for"),
        (b"[" * 100_000, "is not of the style asked for"),
        (b'{"results": []}', "Expected `array`, got `object`"),
        (b'[{"index": 0}]', "missing required field `score`"),
        (b'[{"index": "0", "score": 1}]', "Expected `int`, got `str`"),
        (b'[{"index": 0, "score": NaN}]', "is not of the style asked for"),
        (b'[{"index": 0, "score": null}]', "Expected `float`, got `null`"),
        (b'[{"index": 0, "score": 1e999}]', "asked for|score inf"),
        (b'[{"index": 0, "score": 0.5}]', "has 1 scores for 2 passages"),
        (b'[{"index": 0, "score": 1}, {"index": 0, "score": 1}]', "each index from 0 to 1 is due"),
        (b'[{"index": 0, "score": 1}, {"index": 2, "score": 1}]', "each index from 0 to 1 is due"),
        (b'[{"index": 0, "score": 1}, {"index": -1, "score": 1}]', "each index from 0 to 1 is due"),
        (b'[{"index": 0, "score": 7.5}, {"index": 1, "score": 0}]', "7.5, a bare logit perhaps"),
        (b'[{"index": 0, "score": -3}, {"index": 1, "score": 0}]', "-3, a bare logit perhaps"),
    ],
)
def test_a_malformed_answer_is_refused_and_not_asked_for_again(server, tei, ask, reply, body, says):
    server.plan.append(reply(body=body))
    with pytest.raises(RerankFailed, match=says):
        tei.rerank(ask(QUESTION, ["the kiln", "mugs"]))
    assert len(server.seen) == 1


def test_an_endless_answer_is_not_read_to_the_end(server, tei, ask, reply):
    server.plan.append(reply(body=b" " * (9 << 20)))
    with pytest.raises(RerankFailed, match="more than 8388608 bytes"):
        tei.rerank(ask(QUESTION, TEXTS))


def test_rounding_beyond_one_is_forgiven(server, tei, ask, reply):
    server.plan.append(reply(body=b'[{"index": 0, "score": 1.0000001192}]'))
    assert tei.rerank(ask(QUESTION, ["kiln"])).tolist() == [1.0]


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (400, RerankFailed, "check its model and style"),
        (422, RerankFailed, "check its model and style"),
        (401, InvalidSetting, "set FSEARCH_RERANKER_API_KEY"),
        (403, InvalidSetting, "set FSEARCH_RERANKER_API_KEY"),
        (404, InvalidSetting, "give the whole path"),
    ],
)
def test_an_error_that_stays_is_not_tried_again(server, tei, ask, reply, status, error, says):
    server.plan.append(reply(status, body=b'{"message": "no\x1b[31m"}'))
    with pytest.raises(error, match=rf'answers {status} .*: {{"message": "no \[31m"}}; {says}'):
        tei.rerank(ask(QUESTION, TEXTS))
    assert len(server.seen) == 1


def test_a_server_that_repeats_the_key_does_not_put_it_into_a_message(server, ask, reply):
    server.plan.append(reply(401, body=f"Bearer {KEY} is wrong".encode()))
    reranker = make_reranker(f"tei:{server.url}", api_key=KEY)
    with pytest.raises(InvalidSetting, match=r"Bearer \[key\] is wrong") as raised:
        reranker.rerank(ask(QUESTION, TEXTS))
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(make_server, ask, reply, status):
    server, other = make_server(), make_server()
    server.plan.append(reply(status, headers={"Location": f"{other.url}/tei"}))
    reranker = make_reranker(f"tei:{server.url}", api_key=KEY)
    with pytest.raises(InvalidSetting, match=f"a redirect to {other.url}/tei, which is not"):
        reranker.rerank(ask(QUESTION, TEXTS))
    assert other.seen == []


def test_this_machine_is_reached_without_the_proxy(server, ask, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    reranker = make_reranker(f"tei:{server.url}", api_key=KEY)
    assert reranker.rerank(ask(QUESTION, TEXTS)) == pytest.approx(SCORES)


def test_a_certificate_that_nobody_vouches_for_is_refused(server, ask, own_certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    with pytest.raises(InvalidSetting, match=r"does not hold: .*self.signed"):
        make_reranker(f"tei:{url}", api_key=KEY).rerank(ask(QUESTION, TEXTS))
    assert server.seen == []


@pytest.mark.parametrize(
    "url", ["http://10.0.0.7:8080", "http://reranker.example/rerank", "http://localhost.evil.com"]
)
def test_a_key_never_travels_unencrypted_to_another_machine(url):
    with pytest.raises(InvalidSetting, match="would travel unencrypted to"):
        make_reranker(f"tei:{url}", api_key=KEY)
    assert make_reranker(f"tei:{url}")
    assert make_reranker(f"tei:{url.replace('http:', 'https:')}", api_key=KEY)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "[::1]", "localhost", "api.localhost"])
def test_a_key_may_travel_on_this_machine(host):
    assert make_reranker(f"tei:http://{host}:8080", api_key=KEY)


@pytest.mark.parametrize(
    "url",
    [
        "tei:ftp://host/rerank",
        "tei:file:///etc/passwd",
        "tei:http://",
        "tei:http:///rerank",
        "http:host",
        "tei:http://host:0/",
        "tei:http://host:eighty/",
        "tei:http://[::1/",
        "tei:http://host/a b",
        "tei:http://host/a\r\nX-Header: 1",
        "tei:http://höst/",
    ],
)
def test_what_is_no_url_of_a_server_is_refused(url):
    with pytest.raises(InvalidSetting, match="reranker URL"):
        make_reranker(url)


def test_a_password_in_the_url_is_refused_and_not_repeated():
    with pytest.raises(InvalidSetting, match="carries a password") as raised:
        make_reranker("tei:https://me:secret@host/")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("key", ["two words", "line\n", "ключ"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_repeated(key):
    with pytest.raises(InvalidSetting, match="API key holds") as raised:
        make_reranker("tei:https://host/", api_key=key)
    assert key not in str(raised.value)


def test_a_model_for_a_server_that_has_one_is_refused():
    with pytest.raises(InvalidSetting, match="serves one model; leave out 'm'"):
        make_reranker("tei:https://host/#m")


def test_text_arrives_as_it_is(server, ask):
    text = '窑炉 "quoted" \\ 🙂 \u2028'
    make_reranker(server.url).rerank(ask(text, [text]))
    assert server.seen[0][1]["texts"] == [text]
