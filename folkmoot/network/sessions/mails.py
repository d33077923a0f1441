"""Mails to members: their texts, and sending them.

A mail is a job, so it is enqueued in the transaction that causes it, and retried. With SMTP it is sent; without, it is
written to a file in DATA/outbox. The texts are short and say who, why, until when, and what to do next.
"""

from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import NamedTuple

import aiosmtplib
import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.i18n import Translator

JOB = "sessions.send_mail"


class Words(NamedTuple):
    """The text of a mail: English sentences, translated when the mail is sent."""

    subject: str
    body: str


_TEXTS = {
    "confirm_email": Words(
        "Please confirm your e-mail address",
        "Somebody signed up at %(network)s with this address.\n\nIf it was you, open this link within a week:\n%(link)s\n\n"
        "If it was not, ignore this mail; nothing will happen.",
    ),
    "reset_password": Words(
        "A new password for %(network)s",
        "You, or somebody else, asked for a new password.\n\nSet it here within an hour:\n%(link)s\n\n"
        "If it was not you, ignore this mail; your password stays as it is.",
    ),
    "statement": Words(
        "A decision about something of yours on %(network)s",
        "We have restricted something of yours. What, why, for how long, and how to object stands here:\n%(link)s\n\n"
        "You can appeal on the same page. Somebody else will look at it.",
    ),
    "lifted": Words(
        "A restriction on %(network)s is over",
        "What we told you of is no longer restricted. Everything is as it was before:\n%(link)s",
    ),
}


class Mail(msgspec.Struct, frozen=True):
    """A mail to send: the name of its text, address, language, and link (a URL, or a path of the network)."""

    text: str
    to: str
    language: str
    link: str


class MailTransport(msgspec.Struct, frozen=True):
    """How this network sends mails."""

    network: str
    base_url: str
    sender: str
    host: str
    port: int
    user: str
    password: str
    security: str
    outbox: Path
    translators: Mapping[str, Translator]


def send_mail(tx: WriteTx, mail: Mail) -> None:
    tx.enqueue(JOB, mail)


async def deliver(mail: Mail, transport: MailTransport) -> None:
    """Sends a mail, or writes it to the outbox. Raises aiosmtplib.SMTPException; the job is then retried."""
    words = _TEXTS[mail.text]
    translator = transport.translators.get(mail.language, transport.translators["en"])
    link = mail.link if mail.link.startswith("http") else transport.base_url + mail.link
    message = EmailMessage()
    message["From"] = transport.sender
    message["To"] = mail.to
    message["Subject"] = translator.sentence(words.subject, {"network": transport.network})
    message["Date"] = formatdate(clock.now().timestamp())
    message["Message-ID"] = make_msgid(domain=transport.sender.rpartition("@")[2])
    message.set_content(translator.sentence(words.body, {"network": transport.network, "link": link}) + "\n")
    if not transport.host:
        name = f"{clock.now():%Y%m%dT%H%M%S%f}-{mail.text}.eml"
        (transport.outbox / name).write_bytes(bytes(message))
        return
    await aiosmtplib.send(
        message, hostname=transport.host, port=transport.port, username=transport.user or None, password=transport.password or None,
        use_tls=transport.security == "tls", start_tls=transport.security == "starttls", timeout=20,
    )
