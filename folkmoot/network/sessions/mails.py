"""Mails about log-ins: what they say, and how they leave.

A mail is a job, so it leaves with the transaction that asked for it and is tried again. With SMTP it is sent; without,
it becomes a file in DATA/outbox. The texts are short, and say who, why, until when, what next.
"""

from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

import aiosmtplib
import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx

JOB = "sessions.send_mail"

_TEXTS = {
    ("confirm_email", "en"): ("Please confirm your e-mail address",
        "Somebody signed up at {network} with this address.\n\nIf it was you, open this link within a week:\n{link}\n\n"
        "If it was not, ignore this mail; nothing will happen."),
    ("confirm_email", "cs"): ("Potvrďte prosím svou e-mailovou adresu",
        "Na síti {network} vznikl účet s touto adresou.\n\nPokud je váš, otevřete do týdne tento odkaz:\n{link}\n\n"
        "Pokud váš není, zprávu nechte být; nic se nestane."),
    ("reset_password", "en"): ("A new password for {network}",
        "You, or somebody else, asked for a new password.\n\nSet it here within an hour:\n{link}\n\n"
        "If it was not you, ignore this mail; your password stays as it is."),
    ("reset_password", "cs"): ("Nové heslo pro {network}",
        "Přišla k nám žádost o nové heslo k vašemu účtu.\n\nDo hodiny si je můžete nastavit tady:\n{link}\n\n"
        "Pokud o ně nežádáte vy, zprávu nechte být; heslo zůstává, jaké je."),
    ("statement", "en"): ("A decision about something of yours on {network}",
        "We have restricted something of yours. What, why, for how long, and how to object stands here:\n{link}\n\n"
        "You can appeal on the same page. Somebody else will look at it."),
    ("statement", "cs"): ("Rozhodnutí o vašem obsahu na síti {network}",
        "Omezili jsme něco, co patří vám. Co, proč, na jak dlouho a jak se bránit, stojí tady:\n{link}\n\n"
        "Na téže stránce se můžete odvolat. Podívá se na to někdo jiný."),
    ("lifted", "en"): ("A restriction on {network} is over",
        "What we told you of is no longer restricted. Everything is as it was before:\n{link}"),
    ("lifted", "cs"): ("Omezení na síti {network} skončilo",
        "To, o čem jsme vám psali, už omezené není. Všechno je jako předtím:\n{link}"),
}


class Mail(msgspec.Struct, frozen=True):
    """A mail to send: which text, to whom, in which language, with which link (whole, or a path of the network)."""

    text: str
    to: str
    language: str
    link: str


class MailTransport(msgspec.Struct, frozen=True):
    """How mails leave this network."""

    network: str
    base_url: str
    sender: str
    host: str
    port: int
    user: str
    password: str
    security: str
    outbox: Path


def send_mail(tx: WriteTx, mail: Mail) -> None:
    tx.enqueue(JOB, mail)


async def deliver(mail: Mail, transport: MailTransport) -> None:
    """Sends a mail, or files it. Raises aiosmtplib.SMTPException, and is then tried again."""
    subject, body = _TEXTS[mail.text, mail.language if (mail.text, mail.language) in _TEXTS else "en"]
    link = mail.link if mail.link.startswith("http") else transport.base_url + mail.link
    message = EmailMessage()
    message["From"] = transport.sender
    message["To"] = mail.to
    message["Subject"] = subject.format(network=transport.network)
    message["Date"] = formatdate(clock.now().timestamp())
    message["Message-ID"] = make_msgid(domain=transport.sender.rpartition("@")[2])
    message.set_content(body.format(network=transport.network, link=link) + "\n")
    if not transport.host:
        name = f"{clock.now():%Y%m%dT%H%M%S%f}-{mail.text}.eml"
        (transport.outbox / name).write_bytes(bytes(message))
        return
    await aiosmtplib.send(
        message, hostname=transport.host, port=transport.port, username=transport.user or None, password=transport.password or None,
        use_tls=transport.security == "tls", start_tls=transport.security == "starttls", timeout=20,
    )
