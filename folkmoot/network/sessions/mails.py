"""Mails to members: their texts, and sending them.

A mail is a job, so it is enqueued in the transaction that causes it, and retried. With SMTP it is sent; without, it is
written to a file in DATA/outbox. The texts are short and say who, why, until when, and what to do next.
"""

import asyncio
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import NamedTuple

import aiosmtplib
import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.i18n import Translator
from folkmoot.base.queue.queries import delete_jobs_with, is_running_with
from folkmoot.network.sessions.addresses import wire_email
from folkmoot.network.sessions.model import RESET_JOB

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
        "We have restricted something of yours. You can read here what, why, for how long, and how to object:\n%(link)s\n\n"
        "You can appeal on the same page. Somebody else will look at it.",
    ),
    "statements": Words(
        "Decisions about what you wrote on %(network)s",
        "Since our last mail we have decided more about your posts: restricted some, or ended restrictions. The number of decisions:"
        " %(count)s.\n\nYou can read here what, why, for how long, and how to object:\n%(link)s\n\n"
        "You can appeal on the same pages. Somebody else will look at it.",
    ),
    "excluded_from_jury": Words(
        "About the jury of %(network)s",
        "You cannot sit on the jury of %(network)s any more. You can read here why, and whom to ask if you think that it is wrong:\n"
        "%(link)s",
    ),
    "jury_call": Words(
        "%(network)s needs you for a moment",
        "Something waits for your judgement, and for that of a few others who do not know of each other. Each one takes half a minute:\n"
        "%(link)s\n\nIf you have no time, there is nothing to do: after some hours somebody else is asked.\n\n"
        "You get at most one of these mails a day. You can turn them off on the same page, have a break, or leave.",
    ),
    "leaving": Words(
        "Your account on %(network)s will be deleted",
        "We were asked to delete your account. It is hidden already, and in half an hour it will be gone.\n\n"
        "If you have changed your mind, or if it was not you, open this link within the half hour:\n%(link)s\n\n"
        "Logging in within that time keeps the account too.",
    ),
    "export": Words(
        "Your archive from %(network)s is ready",
        "The archive with your posts, pictures and lists can be downloaded for a week:\n%(link)s",
    ),
    "change_email": Words(
        "Please confirm your new e-mail address",
        "This address was given as the new one of an account on %(network)s.\n\nIf it was you, open this link within a day:\n%(link)s\n\n"
        "If it was not, ignore this mail; nothing will happen.",
    ),
    "keep_email": Words(
        "The e-mail address of your account on %(network)s is being changed",
        "Somebody who knows your password gave us another address for your account.\n\nIf it was you, there is nothing to do."
        "\n\nIf it was not you, open this link within a week. It keeps this address, and logs everybody out:\n%(link)s",
    ),
    "sign_ups": Words(
        "People want to join %(network)s",
        "Somebody has signed up and waits for you. Read what they wrote, and let them in or not:\n%(link)s",
    ),
    "approved": Words(
        "Welcome to %(network)s",
        "Somebody has read what you wrote. You are in:\n%(link)s",
    ),
    "refused": Words(
        "Your sign-up at %(network)s",
        "Somebody has read what you wrote, and we cannot let you in.%(words)s\n\n"
        "We have deleted everything that you sent us. You can read here what this network is about:\n%(link)s",
    ),
    "cases_half": Words(
        "Cases are waiting on %(network)s",
        "For some cases half of the time to decide has passed. Their number: %(count)s.\n\nThe most urgent come first:\n%(link)s",
    ),
    "cases_late": Words(
        "Little time is left for cases on %(network)s",
        "For some cases less than a fifth of the time to decide is left. Their number: %(count)s.\n\n"
        "What is probably against the rules and not decided in time is hidden until somebody does. The most urgent come first:\n%(link)s",
    ),
    "cases_over": Words(
        "Cases on %(network)s are overdue",
        "The time to decide has run out for some cases. Their number: %(count)s.\n\n"
        "Posts that are probably against the rules are hidden until somebody decides, and their authors know it. Reported accounts, and"
        " what is most probably a false alarm, stay as they are.\n\nThe oldest of them are among the next cases:\n%(link)s",
    ),
    "ring": Words(
        "The jury of %(network)s: answers that look arranged",
        "A daily search found jurors who answer alike more often than their care and their camps explain. Nothing follows from that by"
        " itself, and it may be wrong: in fewer than one search in a hundred by chance.\n\nPlease look at the evidence, and exclude from"
        " the jury whoever answers as agreed:\n%(link)s\n\nWho they are is shown there only after a click that the journal records.",
    ),
    "cases_left": Words(
        "Cases on %(network)s that nobody wants to decide",
        "Everybody who may decide these cases leaves their topic to others, and half of the time has passed. Their number: %(count)s."
        "\n\nOperators are offered them from now on; when little time is left, everybody is. Please decide them, or find somebody who"
        " takes such cases:\n%(link)s",
    ),
    "notice_confirm": Words(
        "Please confirm your notice to %(network)s",
        "We have received a notice about content on %(network)s with this address as that of its sender. Its time is running.\n\n"
        "If it is from you, please open this link; an unconfirmed notice counts less:\n%(link)s\n\n"
        "If it is not, ignore this mail.\n\nThe number of the notice, and where you can see what becomes of it:%(words)s",
    ),
    "notice_receipt": Words(
        "We have received your notice to %(network)s",
        "Thank you. Its time is running, and we will write to you when it is decided.\n\nWhat has become of it:\n%(link)s"
        "\n\nThe number of the notice:%(words)s",
    ),
    "notice_answer": Words(
        "The answer to your notice to %(network)s",
        "We have decided about your notice. You can read here what we decided and why, how to object, and fetch the evidence:\n%(link)s"
        "\n\nThe number of the notice:%(words)s",
    ),
    "notice_changed": Words(
        "A decision about your notice to %(network)s has changed",
        "Somebody appealed, and other people have decided again. You can read the new decision here:\n%(link)s"
        "\n\nThe number of the notice:%(words)s",
    ),
    "notice_objection": Words(
        "We have looked at your notice to %(network)s once more",
        "You objected to a decision. Somebody else has looked, without knowing what was decided. You can read here what they found:\n"
        "%(link)s\n\nThe number of the notice:%(words)s",
    ),
    "report": Words(
        "Your report on %(network)s has been looked at",
        "Thank you for reporting it. You can read here what became of it, and object if you see it otherwise:\n%(link)s"
        "\n\nIf you do not want these mails, you can turn them off in the settings, under E-mail address.",
    ),
    "reports": Words(
        "Your reports on %(network)s have been looked at",
        "Thank you for reporting. Since our last mail, people have looked at more of what you reported. The number of reports: %(count)s."
        "\n\nYou can read here what became of each, and object if you see it otherwise:\n%(link)s"
        "\n\nIf you do not want these mails, you can turn them off in the settings, under E-mail address.",
    ),
    "notice_waiting": Words(
        "A notice of illegal content waits on %(network)s",
        "Somebody outside has sent a notice that needs a person soon. Its time is running:\n%(link)s",
    ),
    "notice_due": Words(
        "A notice of illegal content is due on %(network)s",
        "Half of the time to answer a notice is over, or more. The earliest deadline comes first:\n%(link)s",
    ),
    "hiding_withheld": Words(
        "Programs have hidden many posts of one author on %(network)s",
        "Programs have hidden as many posts of one author as they may within a day. Their number: %(count)s.\n\nFurther posts that they"
        " would hide stay visible until people have decided. Either this author threatens people, or a program is mistaken. Please decide"
        " soon:\n%(link)s",
    ),
    "second_person": Words(
        "A second person is needed on %(network)s",
        "Somebody of the team has proposed something that no one person decides alone. Read why, and agree or not, within a day:\n%(link)s",
    ),
    "lifted": Words(
        "A restriction on %(network)s is over",
        "The restriction that we wrote to you about is over. Everything is as it was before:\n%(link)s",
    ),
}


class Mail(msgspec.Struct, frozen=True):
    """A mail to send: the name of its text, address, language, and link (a URL, or a path of the network).

    `words`: a paragraph that a person here wrote, in the person's language, or the number of a notice. `count`: a number in
    the text. `reply_to`: the Message-ID of the mail that this one answers.
    """

    text: str
    to: str
    language: str
    link: str
    words: str = ""
    count: int = 0
    reply_to: str = ""


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


async def forget_mails(tx: WriteTx, addresses: Iterable[str]) -> bool:
    """Deletes unsent mails to these addresses. Returns False if one is being sent at this moment."""
    is_running = False
    for address in addresses:
        for job, field in ((RESET_JOB, "email"), (JOB, "to")):
            await delete_jobs_with(tx, job, field, address)
            is_running |= await is_running_with(tx, job, field, address)
    return not is_running


async def remove_from_outbox(outbox: Path, addresses: Iterable[str]) -> None:
    """Removes mails to these addresses that were written to files."""
    wanted = set(map(wire_email, addresses))

    def remove() -> None:
        for file in outbox.glob("*.eml"):
            with file.open("rb") as stream:
                if BytesHeaderParser(policy=default).parse(stream)["To"] in wanted:
                    file.unlink(missing_ok=True)

    await asyncio.to_thread(remove)


async def deliver(mail: Mail, transport: MailTransport) -> None:
    """Sends a mail, or writes it to the outbox. Raises aiosmtplib.SMTPException; the job is then retried."""
    words = _TEXTS[mail.text]
    translator = transport.translators.get(mail.language, transport.translators["en"])
    link = mail.link if mail.link.startswith("http") else transport.base_url + mail.link
    to = wire_email(mail.to)
    message = EmailMessage(default.clone(utf8=not to.isascii()))
    message["From"] = transport.sender
    message["To"] = to
    message["Subject"] = translator.sentence(words.subject, {"network": transport.network})
    message["Date"] = formatdate(clock.now().timestamp())
    message["Message-ID"] = make_msgid(domain=transport.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-replied" if mail.reply_to else "auto-generated"  # RFC 3834: no program answers it
    if mail.reply_to:
        message["In-Reply-To"] = message["References"] = mail.reply_to
    own_words = f"\n\n{mail.words}" if mail.words else ""
    params = {"network": transport.network, "link": link, "words": own_words, "count": mail.count}
    message.set_content(translator.sentence(words.body, params) + "\n")
    if not transport.host:
        name = f"{clock.now():%Y%m%dT%H%M%S%f}-{mail.text}.eml"
        (transport.outbox / name).write_bytes(bytes(message))
        return
    await aiosmtplib.send(
        message, hostname=transport.host, port=transport.port, username=transport.user or None, password=transport.password or None,
        use_tls=transport.security == "tls", start_tls=transport.security == "starttls", timeout=20,
    )
