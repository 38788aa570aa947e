"""Mails and mailboxes: headers, bodies, attachments, and bytes that only look like mail."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load, sniff
from filesearch.types import Document


def make_mail(body: str = "Mugs can go back.", subject: str = "Rückgabe") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ann Bö <ann@example.org>"
    mail["To"] = "Bo <bo@example.org>"
    mail["Date"] = "Sat, 01 Mar 2025 10:30:00 +0100"
    mail["Subject"] = subject
    mail.set_content(body)
    return mail


def parts(document: Document) -> list[tuple[int, str]]:
    return [(s.number, s.label) for s in document.spans if s.kind == "part"]


def test_headers_are_the_first_lines_and_become_attributes(
    keeps_promises: Callable[[Document], None],
) -> None:
    document = load(make_mail().as_bytes(), "a.eml")
    keeps_promises(document)
    assert document.text == (
        "From: Ann Bö <ann@example.org>\nTo: Bo <bo@example.org>\n"
        "Date: Sat, 01 Mar 2025 10:30:00 +0100\nSubject: Rückgabe\n\nMugs can go back."
    )
    assert document.title == "Rückgabe"
    assert document.attributes == {
        "from": "Ann Bö <ann@example.org>",
        "to": "Bo <bo@example.org>",
        "date": "2025-03-01T10:30:00+01:00",
        "subject": "Rückgabe",
    }


def test_attachments_become_parts_and_signatures_do_not() -> None:
    mail = make_mail()
    mail.add_attachment("item,fee\nmug,2\n", subtype="csv", filename="fées.csv")
    mail.add_attachment(b"GIF89a\x00", maintype="image", subtype="gif", filename="a.gif")
    mail.add_attachment(b"x", maintype="application", subtype="pgp-signature", filename="s.asc")
    document = load(mail.as_bytes(), "a.eml")
    assert parts(document) == [(1, "fées.csv")]
    assert "item: mug; fee: 2" in document.text
    assert document.warnings == ("1 files of formats that are not read here: 'a.gif'",)


def test_pictures_within_the_body_are_left_out() -> None:
    mail = make_mail()
    mail.add_alternative("<p>Mugs <img src=cid:x></p>", subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG\r\n\x1a\n", "image", "png", cid="<x>")
    assert load(mail.as_bytes(), "a.eml").warnings == ()


def test_a_mail_within_a_mail_is_a_part() -> None:
    inner = make_mail("Plates too.", "Plates")
    inner.add_attachment("Deep words.", filename="deep.txt")
    outer = make_mail()
    outer.add_attachment(inner)
    document = load(outer.as_bytes(), "a.eml")
    assert {label for _, label in parts(document)} == {"Plates", "deep.txt"}
    assert "Deep words." in document.text


def test_mails_within_mails_end_at_the_depth_that_is_taken() -> None:
    mail = make_mail("Innermost.")
    for level in range(5):
        outer = make_mail(f"Level {level}.", f"Mail {level}")
        outer.add_attachment(mail)
        mail = outer
    document = load(mail.as_bytes(), "a.eml")
    assert "Level 2." in document.text
    assert "Innermost." not in document.text
    assert "stands in 3 other containers" in " ".join(document.warnings)


def test_html_is_read_where_the_plain_text_says_nothing() -> None:
    mail = make_mail("Please use a mail program that shows HTML.")
    mail.add_alternative(
        "<h1>Sale</h1><p>All mugs at half price until Sunday, and the plates that go with "
        "them too, as long as there are any.</p><script>x()</script>",
        subtype="html",
    )
    document = load(mail.as_bytes(), "a.eml")
    assert "All mugs at half price" in document.text
    assert "x()" not in document.text
    assert [s.label for s in document.spans if s.kind == "heading"] == ["Sale"]


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-2022-jp", "本日は晴天なり。"),
        ("hz", "本店的杯子可以在三十天内退货。"),
        ("koi8-r", "Однажды в студеную пору"),
        ("windows-1252", "Fünf Stück"),
        ("no-such-charset", "Fünf Stück, bitte"),
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_bodies_are_decoded_by_what_they_say_and_are(
    charset: str, text: str, encoding: str
) -> None:
    import quopri

    raw = text.encode("utf-8" if charset == "no-such-charset" else charset)
    packed = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}
    body = packed.get(encoding, bytes)(raw)
    head = f"From: a@b.c\nSubject: x\nContent-Type: text/plain; charset={charset}\n"
    head += f"Content-Transfer-Encoding: {encoding}\n\n"
    assert text in load(head.encode() + body, "a.eml").text


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"=?utf-8?B?UsO8Y2s=?=\n =?utf-8?Q?gabe?=", "Rückgabe"),
        ("Rückgabe".encode(), "Rückgabe"),
        ("Однажды в студеную зимнюю пору".encode("cp1251"), "Однажды в студеную зимнюю пору"),
        (b"=?x-unknown?Q?Mugs?= and plates", "Mugs and plates"),
        (b"=?utf-8?B?broken", "=?utf-8?B?broken"),
    ],
)
def test_subjects_are_decoded_however_they_are_written(raw: bytes, subject: str) -> None:
    assert load(b"From: a@b.c\nSubject: " + raw + b"\n\nBody.", "a.eml").title == subject


def test_soft_breaks_of_flowed_text_are_joined() -> None:
    data = b"From: a@b.c\nSubject: x\nContent-Type: text/plain; format=flowed\n\n"
    data += b"Mugs can \ngo back.\n-- \nAnn\n"
    assert load(data, "a.eml").text.endswith("Mugs can go back.\n-- \nAnn")


@pytest.mark.parametrize("date", ["yesterday", "Sat, 99 Mar 2025 10:30:00", ""])
def test_a_date_that_is_none_is_no_attribute(date: str) -> None:
    data = f"From: a@b.c\nSubject: x\nDate: {date}\n\nBody.".encode()
    assert "date" not in load(data, "a.eml").attributes


def test_a_mail_is_known_by_its_headers_without_an_extension() -> None:
    assert sniff(make_mail().as_bytes(), "cur/123:2,S") == "message/rfc822"
    assert sniff(b"Received: from x\r\n\tby y\r\nFrom: a\r\n\r\nBody", "1") == "message/rfc822"
    assert sniff(b"Subject: one known header\nNote: no mail\n\nBody", "x") == "text/plain"
    assert sniff(b"From: here to there, he said. To: nobody.", "x") == "text/plain"


def test_what_is_named_a_mail_and_is_none_is_read_as_what_it_is() -> None:
    document = load(b"<html><body><p>Subject: x<p>From: y", "a.eml")
    assert document.text == "Subject: x\n\nFrom: y"
    assert "no mail headers" in document.warnings[0]


def test_a_web_page_saved_as_one_file_is_read() -> None:
    data = (
        b"From: <Saved by Blink>\nSubject: Returns\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/related; type="text/html"; boundary="b"\n\n--b\n'
        b"Content-Type: text/html\n\n<h1>Returns</h1><p>Mugs can go back.\n--b\n"
        b"Content-Type: image/gif\nContent-Location: http://x/a.gif\n\nGIF89a\n--b--\n"
    )
    document = load(data, "a.mhtml")
    assert document.text.endswith("Returns\n\nMugs can go back.")
    assert document.warnings == ()


def mailbox(*bodies: str) -> bytes:
    pieces = []
    for number, body in enumerate(bodies, 1):
        mail = make_mail(body, f"Mail {number}").as_bytes().rstrip(b"\n")
        pieces.append(b"From ann@example.org Sat Mar  1 10:30:00 2025\n" + mail + b"\n\n")
    return b"".join(pieces)


@pytest.mark.parametrize("name", ["a.mbox", "INBOX"])
def test_each_message_of_a_mailbox_is_a_part(
    name: str, keeps_promises: Callable[[Document], None]
) -> None:
    document = load(mailbox("One.\n>From the shop.", "Two."), name)
    keeps_promises(document)
    assert parts(document) == [(1, "Mail 1"), (2, "Mail 2")]
    assert "\nFrom the shop." in document.text
    assert document.media_type == "application/mbox"


def test_a_mailbox_without_a_message_is_invalid() -> None:
    with pytest.raises(InvalidFile, match="holds no files"):
        load(b"no messages", "a.mbox")


def test_a_mail_with_thousands_of_recipients_names_the_first() -> None:
    to = ", ".join(f"p{i}@example.org" for i in range(5000))
    document = load(f"From: a@b.c\nTo: {to}\n\nBody.".encode(), "a.eml")
    assert len(document.text) < 1100
    assert document.text.split("\n")[1].endswith(", ...")
    assert "to" not in document.attributes


def test_a_mail_of_very_many_parts_ends() -> None:
    head = b"From: a@b.c\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n"
    document = load(head + b"--b\n\nWords.\n" * 11_000, "a.eml")
    assert "only its first 10,000 MIME parts" in document.warnings[0]


def test_very_deep_multiparts_are_refused_or_read() -> None:
    data = b"From: a@b.c\nSubject: deep\n"
    for level in range(3000):
        data += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
    with pytest.raises(InvalidFile, match="nested too deeply"):
        load(data + b"\nWords.", "a.eml")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_damaged_mails_are_read_or_refused(
    changes: list[tuple[float, int]], keeps_promises: Callable[[Document], None]
) -> None:
    mail = make_mail()
    mail.add_alternative("<p>Mugs</p>", subtype="html")
    mail.add_attachment("Words.", filename="ä.txt")
    for name, data in (("a.eml", mail.as_bytes()), ("a.mbox", mailbox("One.", "Two."))):
        damaged = bytearray(data)
        for place, value in changes:
            damaged[int(place * len(damaged))] = value
        try:
            document = load(bytes(damaged), name)
        except (InvalidFile, UnsupportedFile) as error:
            assert repr(name) in str(error)  # noqa: PT017 - either outcome is right
        else:
            keeps_promises(document)
