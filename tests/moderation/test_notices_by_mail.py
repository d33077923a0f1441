"""Notices by e-mail, from a real IMAP server: plain text, ARF and XARF; hostile mails lose nothing; programs do not write to each other."""

import base64
import email.message
import hashlib
import json
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Unavailable
from folkmoot.moderation.notices.actions import answer_by_hand
from folkmoot.moderation.notices.addresses import OwnAddresses
from folkmoot.moderation.notices.jobs import SENDERS_KEPT, fetch_mails, forget_senders
from folkmoot.moderation.notices.mail_reading import Ignored, read_mail, signers
from folkmoot.moderation.notices.mailbox import Mailbox, count_new
from folkmoot.moderation.notices.model import Notice, NoticeDraft, State, Urgency
from folkmoot.moderation.notices.queries import find_position, find_raw, list_waiting
from tests.moderation.court import Court
from tests.moderation.imap import PASSWORD, ImapServer, find_dovecot
from tests.moderation.notices import Desk
from tests.series import length

_BASE = "http://localhost:8420"
_OWN = OwnAddresses([_BASE])
_ARF = f"""From: Abuse Desk <abuse@hosting.example>
Subject: FW: threats on your network
MIME-Version: 1.0
Message-ID: <arf-1@hosting.example>
Content-Type: multipart/report; report-type=feedback-report; boundary=part

--part
Content-Type: text/plain; charset=utf-8

This is an email abuse report.

--part
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Reported-URI: {_BASE}/posts/1234
Reported-URI: https://elsewhere.example/5

--part
Content-Type: text/rfc822-headers

From: <somebody@example.com>

--part--
""".replace("\n", "\r\n").encode()
_XARF = {
    "xarf_version": "4.0.0", "report_id": "550e8400-e29b-41d4-a716-446655440000", "timestamp": "2026-11-29T14:30:00Z",
    "reporter": {"org": "Hotline", "contact": "abuse@hotline.example", "domain": "hotline.example"}, "source_identifier": "192.0.2.42",
    "category": "content", "type": "csam", "url": f"{_BASE}/@author/77", "description": "Reported by a caller.", "evidence": [],
}


def _mail(text: str, **headers: str) -> bytes:
    mail = email.message.EmailMessage()
    for name, value in {"From": "Alena <alena@example.org>", "Subject": "Threat", "Message-ID": "<1@example.org>", **headers}.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes(policy=policy.SMTP)


def _read(content: bytes) -> NoticeDraft | Ignored:
    return read_mail(content, hashlib.sha256(content).digest(), _OWN, "folkmoot@localhost", "en")


def _draft(content: bytes) -> NoticeDraft:
    draft = _read(content)
    assert isinstance(draft, NoticeDraft), draft
    return draft


def test_plain_text_is_read() -> None:
    draft = _draft(_mail(f"Podívejte se na <{_BASE}/@author/77> a hxxp://localhost[:]8420/posts/78.\nDěkuji, https://example.org"))
    assert (draft.name, draft.email, draft.reply_to) == ("Alena", "alena@example.org", "<1@example.org>")
    assert draft.addresses == (f"{_BASE}/@author/77", "hxxp://localhost[:]8420/posts/78")
    assert draft.reason.startswith("Threat\n\nPodívejte se na")


def test_html_is_read_as_text_and_its_links_are_found() -> None:
    mail = email.message.EmailMessage()
    mail["From"], mail["Subject"] = "a@example.org", "x"
    mail.set_content(f"<style>b{{}}</style><p>See <b>this</b><br><a href='{_BASE}/posts/5'>link</a></p>", subtype="html")
    draft = _draft(mail.as_bytes())
    assert draft.addresses == (f"{_BASE}/posts/5",)
    assert draft.reason == "x\n\nSee this\nlink"


def test_the_signatures_that_our_own_mail_server_has_checked_are_read() -> None:
    results = ("mx.example.org; spf=pass smtp.mailfrom=x.example; dkim=pass (2048 bit; x) header.d=Hosting.Example header.s=a;"
               " dkim=fail header.d=forged.example; dkim=pass header.i=@b.example")
    message = message_from_bytes(_mail("x", Authentication_Results=results))
    message["Authentication-Results"] = "mx.elsewhere.example; dkim=pass header.d=written-by-the-sender.example"
    assert signers(message, "MX.example.org") == ("hosting.example", "b.example")
    assert signers(message, "") == ()
    long = "mx.example.org; dkim=pass header.d=" + "a" * 5000
    for hostile in (long, "mx.example.org;" * 2000, "((((" * 2000, "mx.example.org; dkim=pass"):
        broken = email.message.Message()
        broken["Authentication-Results"] = hostile
        assert len(signers(broken, "mx.example.org")) <= 1


def test_arf_is_read() -> None:
    draft = _draft(_ARF)
    assert draft.addresses == (f"{_BASE}/posts/1234", "https://elsewhere.example/5")
    assert (draft.email, draft.clause) == ("abuse@hosting.example", "spam")
    assert "This is an email abuse report." in draft.reason


@pytest.mark.parametrize("as_file", [True, False])
def test_xarf_is_read(as_file: bool) -> None:
    if as_file:
        mail = email.message.EmailMessage()
        mail["From"], mail["Subject"] = "abuse@hotline.example", "Report"
        mail.set_content("See the attached report.")
        mail.add_attachment(json.dumps(_XARF).encode(), maintype="application", subtype="json", filename="xarf.json")
        content = mail.as_bytes()
    else:
        content = _mail(json.dumps(_XARF))
    draft = _draft(content)
    assert draft.addresses == (f"{_BASE}/@author/77",)
    assert (draft.clause, draft.reference) == ("children", _XARF["report_id"])
    assert "Reported by a caller." in draft.reason


def _with_files(*files: bytes, kind: str = "application/json", name: str = "xarf.json") -> bytes:
    mail = email.message.EmailMessage()
    mail["From"], mail["Subject"] = "abuse@hotline.example", "Reports"
    mail.set_content("See the attached files.")
    maintype, subtype = kind.split("/")
    for file in files:
        mail.add_attachment(file, maintype=maintype, subtype=subtype, filename=name)
    return mail.as_bytes(policy=policy.SMTP)


def test_reports_are_read_in_the_forms_that_are_really_sent() -> None:
    """One after the other, in a list, one on each line, of version 3, under a wrong type, cut off, or behind a picture of 5 MB."""
    places = [f"{_BASE}/posts/{number}" for number in range(70, 95)]
    several = [json.dumps({**_XARF, "type": "fraud", "report_id": place[-2:], "url": place, "description": place}) for place in places]
    older = json.dumps({"Version": "3", "ReporterInfo": {}, "Report": {"Url": places[0]}}).replace("/", "\\/").encode()
    picture = {"content_type": "image/png", "payload": base64.b64encode(bytes(5_000_000)).decode()}
    enclosing = json.dumps({"evidence": [picture], **_XARF, "evidence_source": "phone"}).encode()
    lists = "\n".join(places).encode()
    for mail, count in (
        (_with_files(*(one.encode() for one in several)), 25), (_with_files(("[" + ",".join(several) + "]").encode()), 25),
        (_with_files("\n".join(several).encode(), kind="application/octet-stream", name="reports"), 25),
        (_with_files("\ufeff[".encode() + several[0].encode() + b"]"), 1), (_with_files(several[0].encode("utf-16")), 1),
        (_with_files(older), 1), (_with_files(several[0].partition('"description"')[0].encode()), 1),
        (_with_files(lists, kind="text/csv", name="a.csv"), 25),
    ):
        assert list(_draft(mail).addresses) == places[:count]
    bundle = _draft(_with_files(json.dumps(_XARF).encode(), *(one.encode() for one in several)))
    assert (bundle.clause, bundle.reference, len(bundle.addresses)) == ("children", _XARF["report_id"], 26)
    assert all(place in bundle.reason for place in places)
    long = _draft(_with_files(enclosing))
    assert (long.addresses, long.clause, long.reference) == ((f"{_BASE}/@author/77",), "children", _XARF["report_id"])
    wordless = json.dumps({**_XARF, "description": ""}).encode()
    assert _draft(_with_files(wordless)).reason.strip() == "Reports\n\nSee the attached files.", "what a person wrote says more than a type"
    assert _draft(_mail(wordless.decode(), Subject="x")).reason == "x\n\ncontent: csam"
    elsewhere = [f"Reported-URI: https://elsewhere.example/{number}" for number in range(300)]
    buried = _draft(_ARF.replace(b"Reported-URI: http://localhost", "\r\n".join([*elsewhere, "Reported-URI: http://localhost"]).encode()))
    assert buried.addresses[0] == f"{_BASE}/posts/1234", "an address of this network comes before those elsewhere"


@pytest.mark.parametrize("broken", [
    "[]", '{"xarf_version": 4}', '{"xarf_version": "3"}', "{" * 5000, '{"xarf_version": "4", "url": {"a": 1}}',
])
def test_broken_reports_are_read_as_text(broken: str) -> None:
    mail = email.message.EmailMessage()
    mail["From"], mail["Subject"] = "a@example.org", "x"
    mail.set_content(f"See {_BASE}/posts/5")
    mail.add_attachment(broken.encode(), maintype="application", subtype="json", filename="xarf.json")
    assert _draft(mail.as_bytes()).addresses == (f"{_BASE}/posts/5",)


def test_answers_of_programs_are_no_notices() -> None:
    text = f"Thank you for {_BASE}/posts/5"
    bounce = _ARF.replace(b"feedback-report; b", b"delivery-status; b")
    for content in (
        _mail(text, Auto_Submitted="auto-replied (vacation)"), _mail(text, X_Autoreply="yes"), _mail(text, Precedence="auto_reply"),
        _mail(text, Return_Path="<>"), bounce, _mail(text, From="folkmoot@localhost", Auto_Submitted="auto-generated"),
    ):
        assert isinstance(_read(content), Ignored), content
    from_program = _draft(_mail(text, Auto_Submitted="auto-generated"))
    assert (from_program.addresses, from_program.reply_to) == ((f"{_BASE}/posts/5",), ""), "a provider's program is heard, but not answered"
    assert _draft(_mail(text, From="folkmoot@localhost")).addresses, "a person has forwarded a letter"


def test_reports_without_return_path_and_notices_through_a_list_are_heard_but_not_answered() -> None:
    for content, place in (
        (b"Return-Path: <>\r\n" + _ARF, "/posts/1234"), (_mail(json.dumps(_XARF), Return_Path="<>"), "/@author/77"),
        (_mail(f"Look at {_BASE}/posts/5", Precedence="list"), "/posts/5"),
    ):
        draft = _draft(content)
        assert (draft.addresses[0], draft.reply_to) == (_BASE + place, "")
    for text, by in (("Who comes on Friday?", "no"), (f"Somebody has answered you: {_BASE}/posts/5", "auto-generated")):
        assert isinstance(_read(_mail(text, Precedence="list", Auto_Submitted=by)), Ignored)


def _deep(levels: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(levels))
    return b"From: a@example.org\r\nSubject: deep\r\nMIME-Version: 1.0\r\n" + head + b"\r\n" + f"{_BASE}/posts/5".encode()


_HOSTILE = {
    "empty": b"", "nothing": b"\r\n\r\n", "zeros": bytes(1000), "not a mail": bytes(range(256)) * 50, "deep": _deep(5000),
    "unknown charset": b"From: a@b.example\r\nContent-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe hello",
    "wrong charset": b"From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nP\xf8\xedli\xb9",
    "null charset": b"From: a@b.example\r\nContent-Type: text/plain; charset=\"a\\0b\"\r\n\r\nx",
    "long header": b"From: a@b.example\r\nSubject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nx",
    "long sender": b"From: " + b"\"a\" <" * 20_000 + b"\r\n\r\nx",
    "broken base64": b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
    "broken word": b"From: =?utf-8?b?////?= <a@b.example>\r\nSubject: =?klingon?q?x?= =?utf-8?q?=ff?=\r\n\r\nx",
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nx", "many parts": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    + b"--x\r\n\r\na\r\n" * 20_000, "surrogates": b"Subject: \xed\xa0\x80\r\n\r\n\xed\xa0\x80",
    "broken parameter": b"Content-Type: text/plain; name*0*=x'y\r\n\r\nx",
    "id with a line break": b"From: a@b.example\r\nMessage-ID: <a\r\n Bcc: x@y@z>\r\n\r\nx",
    "html bomb": b"Content-Type: text/html\r\n\r\n" + b"<" * 300_000,
    "json bomb": b"Content-Type: application/json\r\n\r\n" + b"[" * 300_000,
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_no_mail_fails(name: str) -> None:
    draft = _draft(_HOSTILE[name])
    assert len(draft.addresses) <= 100
    for text in (draft.reason, draft.name, draft.email, draft.reply_to):
        text.encode()  # can be stored
    assert "\n" not in draft.reply_to


@pytest.fixture(scope="module")
def imap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    if not find_dovecot():
        pytest.skip("dovecot (dovecot-imapd) is not installed")
    with tempfile.TemporaryDirectory(prefix="folkmoot-imap-") as folder:
        Path(folder).chmod(0o755)
        server = ImapServer(Path(folder))
        server.start()
        yield server
        server.stop()


class _Box:
    """A mailbox that the network reads."""

    def __init__(self, imap: ImapServer, court: Court) -> None:
        self.imap, self.village = imap, court.village
        self.user = f"notices-{clock.token(6).lower()}"
        notices = msgspec.structs.replace(
            court.village.settings.notices, mailbox_host="127.0.0.1", mailbox_port=imap.port, mailbox_user=self.user,
            mailbox_password=PASSWORD, mailbox_security="none",
        )
        self.settings = msgspec.structs.replace(court.village.settings, notices=notices)

    async def fetch(self, *mails: bytes) -> list[Notice]:
        """Puts mails into it, and lets the network read it."""
        self.imap.put(self.user, *mails)
        await fetch_mails(self.village.database, self.settings)
        await self.village.work()
        async with self.village.database.read() as conn:
            return sorted(await list_waiting(conn, 1000), key=lambda notice: notice.received_at)

    def sent(self) -> list[Any]:
        files = sorted((self.village.settings.data / "outbox").glob("*-notice_confirm.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


@pytest.fixture
async def box(imap: ImapServer, court: Court) -> _Box:
    box = _Box(imap, court)
    await box.fetch(_mail("an old mail, from before"))
    return box


async def test_a_mail_becomes_a_notice_and_is_answered_with_its_receipt(box: _Box, court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    mail = _mail(f"Threat: {desk.address(post)}")
    [notice] = await box.fetch(mail)
    assert (notice.state, notice.urgency, notice.is_confirmed) == (State.OPEN, Urgency.OTHER, False)
    [case] = await court.queue()
    assert (case.subject_id, case.is_confirmed) == (post.post.id, False)
    [answer] = box.sent()
    assert (answer["To"], answer["In-Reply-To"], answer["Auto-Submitted"]) == ("alena@example.org", "<1@example.org>", "auto-replied")
    assert desk.intake.receipts.path(notice.number) in answer.get_content()
    assert isinstance(_read(answer.as_bytes()), Ignored), "our answer is no notice"
    assert await box.fetch(mail) == [notice], "the same mail again"
    assert len(box.sent()) == 1
    client = box.imap.client(box.user)
    client.select("INBOX", readonly=True)
    assert client.search(None, "UNSEEN")[1] == [b"1 2 3"], "nothing in the mailbox is changed"
    client.logout()


async def test_a_mail_is_kept_as_it_came_until_its_sender_is_forgotten(box: _Box, court: Court, desk: Desk) -> None:
    """And a signature of the right domain verifies nobody."""
    await desk.register("provider")
    letter = message_from_bytes(_mail("Vizte.", From="abuse@hosting.example"), policy=policy.default)
    letter.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="příkaz.pdf")
    letter["Authentication-Results"] = "mx.example.org; dkim=pass header.d=hosting.example"
    mail = letter.as_bytes(policy=policy.SMTP)
    box.settings = msgspec.structs.replace(
        box.settings, notices=msgspec.structs.replace(box.settings.notices, mailbox_authserv="mx.example.org"))
    mailbox = Mailbox.of(box.settings)
    async with court.database.read() as conn:
        position = await find_position(conn, mailbox.name)
    box.imap.put(box.user, mail)
    assert count_new(mailbox, position) == 1
    [notice] = await box.fetch()
    async with court.database.read() as conn:
        assert count_new(mailbox, await find_position(conn, mailbox.name)) == 0
        assert await find_raw(conn, notice.id) == mail
    assert (notice.signed_by, notice.contact_id, notice.is_reliable) == (("hosting.example",), None, False)
    page = await (await court.village.by_browser("moderator")).get(f"/moderate/notices/{notice.id}")
    assert "hosting.example" in page.text
    assert "Message-ID: &lt;1@example.org&gt;" in page.text
    assert "only in the mailbox: příkaz.pdf" in page.text
    async with court.database.write() as tx:
        await answer_by_hand(tx, desk.intake, await court.viewer("moderator"), notice.id, "Nic takového tu není.")
    with clock.stopped_at(clock.now() + SENDERS_KEPT + timedelta(days=1)):
        await forget_senders(court.database)
    async with court.database.read() as conn:
        assert await find_raw(conn, notice.id) is None


async def test_the_sender_of_a_mail_is_a_claim_until_it_is_confirmed(box: _Box, court: Court, desk: Desk) -> None:
    await desk.register(senders=("hosting.example",))
    post = await court.village.write("author")
    [notice] = await box.fetch(_mail(desk.address(post), From="abuse@hosting.example"))
    assert (notice.urgency, notice.is_reliable) == (Urgency.CONTACT, False)
    assert (await desk.confirm(notice)).is_reliable


async def test_hostile_mails_wait_for_a_person_and_stop_nothing(box: _Box, court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    huge = _mail(desk.address(post) + ("\n" + "x" * 76) * length(40_000, 140_000))
    assert len(huge) > 3_000_000
    hostile = [_HOSTILE[name] for name in ("not a mail", "deep", "unknown charset", "long sender", "html bomb")]
    found = await box.fetch(*hostile, huge, _mail(desk.address(post)))
    assert len(found) == len(hostile) + 2
    assert [notice.state for notice in found[-2:]] == [State.OPEN, State.OPEN]
    assert found[0].state is State.UNREAD


async def test_two_programs_do_not_write_to_each_other_for_ever(box: _Box, court: Court, desk: Desk) -> None:
    settings = msgspec.structs.replace(box.settings, limits=msgspec.structs.replace(box.settings.limits, multiplier=1.0))
    box.settings = settings
    post = await court.village.write("author")
    for number in range(5):
        await box.fetch(_mail(f"{number} {desk.address(post)}"))
    assert len(box.sent()) == 3


async def test_mails_are_read_once_when_they_are_numbered_anew(box: _Box, court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    await box.fetch(_mail(f"1 {desk.address(post)}"))
    box.imap.forget_uids(box.user)
    found = await box.fetch(_mail(f"2 {desk.address(post)}"))
    reasons = [notice.reason for notice in found if notice.state is State.OPEN]
    assert len(reasons) == 2


async def test_a_mailbox_that_cannot_be_read_is_an_error(box: _Box) -> None:
    for change in ({"mailbox_password": "wrong"}, {"mailbox_folder": 'no"such'}, {"mailbox_port": 9}, {"mailbox_security": "tls"}):
        notices = msgspec.structs.replace(box.settings.notices, **change)
        with pytest.raises(Unavailable):
            await fetch_mails(box.village.database, msgspec.structs.replace(box.settings, notices=notices))
