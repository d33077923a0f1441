"""Answers to notices, and evidence packages that anybody can check without this network."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from folkmoot.moderation.answers.actions import answer_notices
from folkmoot.moderation.answers.assembling import package_of_case
from folkmoot.moderation.answers.model import Proof, signed_text
from folkmoot.moderation.answers.package_file import check
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.journal.actions import anchor, seal
from folkmoot.moderation.journal.anchors import AnchorKey, published, read_published
from folkmoot.moderation.journal.queries import list_anchors
from folkmoot.moderation.notices.model import Notice, State
from folkmoot.network.posts.actions import delete_post
from folkmoot.portability.data_directory import JOURNAL_END
from tests.moderation.court import Court
from tests.moderation.notices import Desk


def _mails(court: Court, kind: str) -> list[Path]:
    return sorted((court.village.settings.data / "outbox").glob(f"*-{kind}.eml"))


async def _package(court: Court, desk: Desk, notice: Notice) -> bytes:
    answer = await court.village.nobody().get(desk.intake.receipts.path(notice.number) + "/package")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="{notice.number}.zip"'
    return answer.body


async def test_a_notice_is_answered_once_all_of_its_cases_are_decided(court: Court, desk: Desk) -> None:
    one, two = await court.village.write("author", "a"), await court.village.write("author", "b")
    notice = await desk.confirm(await desk.receive(one, two))
    first, second = await court.queue()
    await court.decide("moderator", first, "remove")
    assert (await desk.again(notice)).state is State.OPEN
    assert not _mails(court, "notice_answer")
    await court.decide("moderator", second, "keep")
    answered = await desk.again(notice)
    assert answered.state is State.ANSWERED
    assert answered.answered_at
    assert len(_mails(court, "notice_answer")) == 1
    assert (await desk.journal(("notice.answered",))) == ["notice.answered"] * 2
    async with court.database.write() as tx:
        assert await answer_notices(tx, desk.intake, first.id) == 0


async def test_nobody_is_mailed_at_an_address_that_was_not_confirmed(court: Court, desk: Desk) -> None:
    notice = await desk.receive(await court.village.write("author"))
    await court.decide("moderator", (await court.queue())[0], "remove")
    assert (await desk.again(notice)).state is State.ANSWERED
    assert not _mails(court, "notice_answer")


async def test_a_decision_that_an_appeal_changes_is_told_again(court: Court, desk: Desk) -> None:
    notice = await desk.confirm(await desk.receive(await court.village.write("author", "a")))
    [case] = await court.queue()
    verdict = await court.decide("moderator", case, "remove")
    async with court.database.write() as tx:
        await lodge_appeal(tx, court.village.people["author"], verdict.id, "No.")
    [appeal] = await court.queue()
    await court.decide("other_moderator", appeal, "keep")
    assert [outcome.action for outcome in await desk.outcomes(notice)] == ["keep"]
    assert len(_mails(court, "notice_changed")) == 1


async def test_a_notice_about_something_that_is_gone_is_answered(court: Court, desk: Desk) -> None:
    post = await court.village.write("author", "a")
    notice = await desk.confirm(await desk.receive(post))
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], post.post.id)
    await court.village.work()
    [case] = await court.queue()
    await court.decide("moderator", case, "remove")
    assert (await desk.again(notice)).state is State.ANSWERED


async def test_the_package_is_genuine_and_names_nobody_but_the_author(court: Court, desk: Desk) -> None:
    settings = court.village.settings
    post = await court.village.write("author", "Dobrý den")
    await court.report("reporter", post, clauses=("law",), comment="tajné")
    notice, other = await desk.receive(post), await desk.receive(post, email="other@example.org", name="Bohumil")
    path = desk.intake.receipts.path(notice.number)
    assert (await court.village.nobody().get(f"{path}/package")).status == 404, "not before the answer"
    await court.decide("moderator", (await court.queue())[0], "remove", explanation="Je to výhrůžka.")
    assert f"{path}/package" in (await court.village.nobody().get(path)).text
    content = await _package(court, desk, notice)
    key = AnchorKey(settings.secret).public
    async with court.database.read() as conn:
        heads = read_published(published(AnchorKey(settings.secret), await list_anchors(conn), "x"))[1]
    found = check(content, key, heads)
    assert found.faults == []
    assert found.decisions == [f"http://localhost:8420/posts/{post.post.id}: remove, rule 2. No calls to violence, no threats"]
    assert found.proven > 5
    assert found.withheld > 3
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    for said in ("Dobrý den", "Je to výhrůžka.", "@author", notice.number, "notice.answered"):
        assert said in text, said
    people = [str(court.village.people[name].id) for name in ("reporter", "moderator")]
    for secret in ("tajné", "Bohumil", "other@example.org", "alena@example.org", other.number, *people):
        assert secret not in text, secret


def _changed(content: bytes, name: str, change: Callable[[Any], Any], key: AnchorKey | None = None) -> bytes:
    """A package with another file; with `key`, signed anew, as a forger with the key would."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    files[name] = change(files[name])
    if key:
        digests = {one: hashlib.sha256(text).hexdigest() for one, text in files.items() if one != "manifest.json"}
        files["manifest.json"] = json.dumps({
            "format": 1, "key": base64.b64encode(key.public).decode(), "files": digests, "signature": key.sign(signed_text(digests)),
        }).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for one, text in files.items():
            archive.writestr(one, text)
    return made.getvalue()


def _with_entry(which: int, **values: Any) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        proof = json.loads(content)
        shown = [entry for entry in proof["entries"] if entry["row"]]
        target = shown[which]
        for name, value in values.items():
            (target if name in target else target["row"])[name] = value
        msgspec.json.decode(json.dumps(proof), type=Proof)
        return json.dumps(proof).encode()

    return change


async def test_every_change_of_a_package_is_found(court: Court, desk: Desk) -> None:
    """Also by whoever has the network's key: then against the heads that somebody has kept."""
    key = AnchorKey(court.village.settings.secret)
    notice = await desk.receive(await court.village.write("author", "Dobrý den"))
    await court.decide("moderator", (await court.queue())[0], "remove")
    content = await _package(court, desk, notice)
    async with court.database.read() as conn:
        heads = await list_anchors(conn)
    assert check(content, key.public, heads).is_genuine
    damaged = [check(content[:at] + bytes([content[at] ^ 255]) + content[at + 1:]) for at in range(0, len(content), 29)]
    assert sum(not one.is_genuine for one in damaged) > len(damaged) / 2, "the rest are times and the like in the head of a file"

    def of_document(text: bytes) -> bytes:
        return text.replace(b'"action": "remove"', b'"action": "keep"')

    for name, change in (
        ("case.json", of_document), ("case.html", lambda text: text + b" "), ("journal.json", _with_entry(0, position=77)),
        ("manifest.json", lambda text: text.replace(b'"format": 1', b'"format":  1').replace(b"case.json", b"casf.json")),
    ):
        assert check(_changed(content, name, change), key.public).faults, name
    forged = [
        ("case.json", of_document), ("journal.json", _with_entry(0, facts="{}")), ("journal.json", _with_entry(1, kind="x")),
        ("journal.json", _with_entry(0, hash="00" * 32)), ("journal.json", _with_entry(0, path=["00" * 32])),
        ("journal.json", _with_entry(0, index=99)), ("journal.json", _with_entry(0, anchor=99)),
        ("journal.json", _with_entry(0, previous="zz")), ("journal.json", _with_entry(0, microseconds=2**62)),
        ("journal.json", lambda text: text.replace(b'"notice.answered"', b'"notice.joined"')),
    ]
    passed = [
        number for number, (name, change) in enumerate(forged) if check(_changed(content, name, change, key), key.public).is_genuine
    ]
    assert not passed
    assert check(_changed(content, "case.html", lambda text: text, AnchorKey(b"another")), key.public).faults
    other = [msgspec.structs.replace(head, hash=bytes(32)) for head in heads]
    assert "is not in the kept list" in check(content, key.public, other).faults[0]


async def test_a_decision_of_a_person_is_proven_in_a_package_that_names_nobody(court: Court) -> None:
    """What an operator exports for an authority. Of decisions before `verdict.settled` contained them, it is said that they are not."""
    key, post = AnchorKey(court.village.settings.secret), await court.village.write("author", "Dobrý den")
    await court.report("reporter", post)
    [case] = await court.queue()
    await court.decide("moderator", case, "remove")
    await seal(court.database, court.village.settings.secret, court.village.settings.data / JOURNAL_END)
    await anchor(court.database)
    async with court.database.read() as conn:
        content, full = [
            await package_of_case(conn, key, ("Náves", "x"), case.id, lambda *_: "", with_people=shown) for shown in (False, True)
        ]
    decided = [f"x/posts/{post.post.id}: remove, rule 2. No calls to violence, no threats"]
    for one in (content, full):
        found = check(one, key.public)
        assert (found.faults, found.decisions, found.unproven) == ([], decided, [])
    assert str(court.village.people["moderator"].id) not in _read(content, "journal.json")
    assert str(court.village.people["moderator"].id) in _read(full, "journal.json")
    kept = _changed(content, "case.json", lambda text: text.replace(b'"action": "remove"', b'"action": "keep"'), key)
    assert "is not in the journal" in check(kept, key.public).faults[0]
    before = check(_changed(content, "journal.json", _without_row("verdict.settled"), key), key.public)
    assert (before.faults, before.decisions, before.unproven) == ([], [], decided)


def _read(content: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name).decode()


def _without_row(kind: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        proof = json.loads(content)
        [entry] = [one for one in proof["entries"] if one["row"] and one["row"]["kind"] == kind]
        entry["row"] = None
        return json.dumps(proof).encode()

    return change


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"nonsense" * 100, b"PK\x03\x04" + bytes(1000)])
def test_what_is_no_package_is_said_so(content: bytes) -> None:
    assert "is not an evidence package" in check(content).faults[0]
