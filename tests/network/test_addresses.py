"""E-mail addresses with letters of any language are accepted, stored in one form, and reach mail servers."""

import asyncio
import email
import email.policy
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from folkmoot.base import i18n
from folkmoot.base.db import Database
from folkmoot.base.errors import Invalid
from folkmoot.network.sessions import mails
from folkmoot.network.sessions.actions import SignUp, SignUpPolicy, log_in, sign_up
from folkmoot.network.sessions.addresses import email_errors, email_key, tidy_email, wire_email

PASSWORD = "tri hrusky dve svestky"


@pytest.mark.parametrize(("typed", "stored", "on_the_wire"), [
    ("jana@example.org", "jana@example.org", "jana@example.org"),
    (" Jana.Nova+x@Example.ORG ", "Jana.Nova+x@example.org", "Jana.Nova+x@example.org"),
    ("jiří@example.cz", "jiří@example.cz", "jiří@example.cz"),
    ("nova@háčkyčárky.cz", "nova@háčkyčárky.cz", "nova@xn--hkyrky-ptac70bc.cz"),
    ("nova@HÁČKYČÁRKY.cz", "nova@háčkyčárky.cz", "nova@xn--hkyrky-ptac70bc.cz"),
    ("nova@xn--hkyrky-ptac70bc.cz", "nova@háčkyčárky.cz", "nova@xn--hkyrky-ptac70bc.cz"),
    ("用户@例子.广告", "用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
    ("अजय@डाटा.भारत", "अजय@डाटा.भारत", "अजय@xn--c2bd1gb.xn--h2brj9c"),
    ("квіточка@пошта.укр", "квіточка@пошта.укр", "квіточка@xn--80a1acn3a.xn--j1amh"),
    ("θσερ@εχαμπλε.ψομ", "θσερ@εχαμπλε.ψομ", "θσερ@xn--mxahbxey0c.xn--xxaf0a"),
    ("jana@straße.de", "jana@straße.de", "jana@xn--strae-oqa.de"),
    ("root@localhost", "root@localhost", "root@localhost"),
])
def test_an_address_has_one_stored_form_and_one_for_servers(typed: str, stored: str, on_the_wire: str) -> None:
    assert not email_errors(typed)
    assert (tidy_email(typed), wire_email(typed)) == (stored, on_the_wire)
    for other in (stored, stored.upper() if stored.isascii() else stored, unicodedata.normalize("NFD", stored), on_the_wire):
        assert email_key(other) == email_key(typed)


@pytest.mark.parametrize("wrong", [
    "", "jana", "jana@", "@example.org", "jana nova@example.org", "jana@exa mple.org", "jana@-.org\n", "jana@example..org",
    "jana@exam_ple.čz",
    "jana\u200b@example.org", "jana\u202e@example.org", "ｊａｎａ@example.org", "jana@example.org\x00",
    "a" * 65 + "@example.org", "jana@" + "ž" * 64 + ".cz",
    "jana@" + ".".join(["a" * 60] * 5), "jana@xn--a", "<jana@example.org>", "jana@example.org, karel@example.org",
    "ř" * 33 + "@example.org",
])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    assert [error.field for error in email_errors(wrong)] == ["email"]


def test_different_mailboxes_stay_different() -> None:
    assert len({email_key(one) for one in ("jiri@example.cz", "jiří@example.cz", "jiří@example.org", "jiři@example.cz")}) == 4


async def test_members_sign_up_and_log_in_with_such_an_address(db: Database) -> None:
    form = SignUp("jiri", unicodedata.normalize("NFD", "Jiří@HÁČKYČÁRKY.cz"), PASSWORD, True)
    login, _ = await sign_up(db, form, SignUpPolicy())
    assert login.email == "Jiří@háčkyčárky.cz"
    for name in ("jiří@háčkyčárky.cz", "JIŘÍ@xn--hkyrky-ptac70bc.cz"):
        assert (await log_in(db, name, PASSWORD))[1].account_id == login.account_id
    with pytest.raises(Invalid, match="There is an account with this address"):
        await sign_up(db, form._replace(username="jiri2", email="jiří@xn--hkyrky-ptac70bc.cz"), SignUpPolicy())


class _MailServer:
    """A mail server that accepts everything and keeps what it was told."""

    def __init__(self, *extensions: str) -> None:
        self._extensions = extensions
        self.said: list[bytes] = []
        self.is_over = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org\r\n")
        in_data = False
        while line := await reader.readline():
            self.said.append(line)
            if in_data and line != b".\r\n":
                continue
            if line.startswith(b"EHLO"):
                lines = ["mail.example.org", *self._extensions]
                answer = b"".join(f"250{'-' if at < len(lines) - 1 else ' '}{name}\r\n".encode() for at, name in enumerate(lines))
            else:
                answer = b"354 go on\r\n" if line == b"DATA\r\n" else b"221 bye\r\n" if line == b"QUIT\r\n" else b"250 ok\r\n"
            in_data = line == b"DATA\r\n"
            writer.write(answer)
            if line == b"QUIT\r\n":
                break
        writer.close()
        await writer.wait_closed()
        self.is_over.set()


async def _sent(to: str, *extensions: str) -> bytes:
    heard = _MailServer(*extensions)
    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    transport = mails.MailTransport(
        network="Obec", base_url="https://example.org", sender="posta@example.org", host="127.0.0.1",
        port=server.sockets[0].getsockname()[1],
        user="", password="", security="none", outbox=Path(), translators=i18n.load("Europe/Prague"),
    )
    async with server:
        await mails.deliver(mails.Mail("confirm_email", to, "cs", "/confirm/x"), transport)
        await heard.is_over.wait()
    return b"".join(heard.said)


async def test_a_host_with_letters_needs_no_special_mail_server() -> None:
    said = await _sent("nova@háčkyčárky.cz")
    assert b"RCPT TO:<nova@xn--hkyrky-ptac70bc.cz>" in said
    assert b"To: nova@xn--hkyrky-ptac70bc.cz\r\n" in said


async def test_a_name_with_letters_is_sent_by_smtputf8() -> None:
    said = await _sent("jiří@example.cz", "SMTPUTF8", "8BITMIME")
    assert "RCPT TO:<jiří@example.cz>".encode() in said
    assert b"SMTPUTF8" in said.partition(b"RCPT")[0]
    assert "To: jiří@example.cz\r\n".encode() in said


def _files(folder: Path) -> list[Path]:
    return list(folder.glob("*.eml"))


def _in_outbox(folder: Path) -> Any:
    [file] = _files(folder)
    return email.message_from_bytes(file.read_bytes(), policy=email.policy.SMTPUTF8)


async def test_a_name_with_letters_is_written_to_the_outbox(tmp_path: Path) -> None:
    transport = mails.MailTransport(
        network="Obec", base_url="https://example.org", sender="posta@example.org", host="", port=0, user="", password="",
        security="",
        outbox=tmp_path, translators=i18n.load("Europe/Prague"),
    )
    await mails.deliver(mails.Mail("confirm_email", "jiří@háčkyčárky.cz", "cs", "/confirm/x"), transport)
    message = _in_outbox(tmp_path)
    assert str(message["To"]) == "jiří@xn--hkyrky-ptac70bc.cz"
    await mails.remove_from_outbox(tmp_path, ["jiří@example.cz"])
    assert _in_outbox(tmp_path)
    await mails.remove_from_outbox(tmp_path, ["jiří@háčkyčárky.cz"])
    assert not _files(tmp_path)
