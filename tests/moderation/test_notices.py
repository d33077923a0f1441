"""Notices from outside: who is believed, which deadline runs, and what is found at an address."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Invalid, NotFound
from folkmoot.moderation.clauses.published import clause_of, replace_own
from folkmoot.moderation.notices.actions import (
    add_addresses,
    answer_by_hand,
    checked,
    confirm_address,
    note_deadlines,
    vouch_for_sender,
)
from folkmoot.moderation.notices.addresses import OwnAddresses, addresses_in
from folkmoot.moderation.notices.jobs import SENDERS_KEPT, forget_senders
from folkmoot.moderation.notices.model import Door, Finding, NoticeDraft, State, Urgency
from folkmoot.moderation.notices.receipts import Receipts
from folkmoot.moderation.restrictions.actions import impose_restriction
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.statements.actions import tell_statement
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.network.posts.actions import delete_post
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court, somebody_waits
from tests.moderation.notices import Desk
from tests.moderation.policies import edited, publish, without


async def test_a_notice_opens_an_unconfirmed_case_and_confirming_the_address_confirms_it(court: Court, desk: Desk) -> None:
    post = await court.village.write("author", "zabiju te")
    notice = await desk.receive(post)
    assert (notice.state, notice.urgency, notice.is_confirmed) == (State.OPEN, Urgency.OTHER, False)
    assert notice.due_at - notice.received_at == timedelta(days=7)
    [case] = await court.queue()
    assert (case.subject_id, case.is_confirmed, case.clause) == (post.post.id, False, "law")
    confirmed = await desk.confirm(notice)
    assert confirmed.is_confirmed
    assert (await court.case(case.id)).is_confirmed
    assert await desk.confirm(notice) == confirmed, "a second click changes nothing"
    assert await desk.journal() == ["notice.received", "notice.joined", "notice.confirmed"]


async def test_a_wrong_code_confirms_nothing(court: Court, desk: Desk) -> None:
    notice = await desk.receive(await court.village.write("author"))
    other = await desk.receive(await court.village.write("author", "něco jiného"), email="other@example.org")
    receipts = desk.intake.receipts
    before = Receipts(b"the secret of the network before it was exchanged")
    assert before.is_code(notice.number, notice.email, before.code(notice.number, notice.email))
    assert not receipts.is_key(notice.number, before.key(notice.number))
    for code in (receipts.code(other.number, other.email), receipts.code(notice.number, other.email), receipts.key(notice.number), "",
                 before.code(notice.number, notice.email)):
        with pytest.raises(NotFound):
            async with desk.database.write() as tx:
                await confirm_address(tx, desk.intake, notice.number, code)
    assert not (await desk.again(notice)).is_confirmed


@pytest.mark.parametrize(("kind", "hours"), [("authority", 1), ("provider", 24), ("trusted_flagger", 24)])
async def test_a_verified_contact_has_its_deadline(court: Court, desk: Desk, kind: str, hours: int) -> None:
    contact = await desk.register(kind)
    notice = await desk.receive(await court.village.write("author"), contact=contact)
    assert notice.is_reliable
    assert notice.due_at - notice.received_at == timedelta(hours=hours)
    [case] = await court.queue()
    assert case.is_confirmed
    assert case.due_at == notice.due_at


async def test_a_forged_removal_order_gains_nothing_but_its_time_runs(court: Court, desk: Desk) -> None:
    """Also together with a report: one accomplice with an account must not make the post vanish within the hour."""
    await desk.register("authority", senders=("soud.example",))
    post = await court.village.write("author")
    by_form = await desk.receive(post, claims="authority", email="forger@example.org")
    by_mail = await desk.receive(post, door=Door.MAIL, email="podatelna@soud.example", mail_key=b"1" * 32)
    for forged in (by_form, by_mail):
        assert forged.urgency is Urgency.ORDER
        assert forged.due_at - forged.received_at == timedelta(hours=1)
        assert not forged.is_reliable
    [case] = await court.queue()
    assert not case.is_confirmed
    await desk.confirm(by_form)  # the forger can read mail of example.org
    assert not (await court.case(case.id)).is_confirmed
    await court.report("reporter", post, clauses=("law",))
    case = await court.case(case.id)
    assert case.due_at - case.opened_at > timedelta(hours=23)
    genuine = await desk.confirm(by_mail)
    assert genuine.is_reliable
    assert (await court.case(case.id)).due_at == genuine.due_at


async def test_a_subdomain_is_another_sender(court: Court, desk: Desk) -> None:
    await desk.register()
    post = await court.village.write("author")
    for email, is_known in (("a@hosting.example", True), ("a@x.hosting.example", False), ("hosting.example@example.org", False)):
        notice = await desk.confirm(await desk.receive(post, email=email))
        assert bool(notice.contact_id) is is_known, email


async def test_each_address_is_named_whatever_is_found(court: Court, desk: Desk) -> None:
    public, quiet, secret = [
        await court.village.write("author", text, visibility=kind)
        for text, kind in (("a", Visibility.PUBLIC), ("b", Visibility.UNLISTED), ("c", Visibility.FOLLOWERS))
    ]
    base = desk.intake.base_url
    sent = {
        desk.address(public): Finding.FOUND,
        f"{base}/@author/{quiet.post.id}?x=1#y": Finding.FOUND,
        f"{base}/@author": Finding.FOUND,
        desk.address(secret): Finding.UNKNOWN,
        f"{base}/posts/1234567": Finding.UNKNOWN,
        f"{base}/about": Finding.UNKNOWN,
        "https://elsewhere.example/@author/1": Finding.FOREIGN,
        "no address": Finding.FOREIGN,
    }
    notice = await desk.receive(*sent)
    assert {place.address: place.finding for place in notice.places} == sent
    assert {case.subject_id for case in await court.queue()} == {public.post.id, quiet.post.id, court.village.people["author"].id}
    contact = await desk.register()
    by_contact = await desk.receive(secret, contact=contact)
    assert by_contact.places[0].finding is Finding.FOUND


async def test_a_thousand_notices_are_one_case(court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    for number in range(30):
        await desk.receive(post, email=f"a{number}@example.org")
    [case] = await court.queue()
    assert case.probability == pytest.approx(1 / 3)


async def test_a_notice_keeps_its_weight_when_a_report_comes(court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    await desk.receive(post, contact=await desk.register())
    await court.report("reporter", post, clauses=("law",))
    [case] = await court.queue()
    assert case.probability == pytest.approx(0.7)


async def test_a_deleted_post_of_a_notice_is_kept_for_those_who_decide(court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    await desk.receive(post)
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], post.post.id)
    await court.village.work()
    assert [case.subject_id for case in await court.queue()] == [post.post.id]


async def test_the_statement_names_the_notice_as_its_source(court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    await desk.receive(post)
    [case] = await court.queue()
    await court.decide("moderator", case, "remove")
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT source FROM statements") == "notice"


async def test_the_statement_says_who_wrote_and_that_a_program_hid_it_before(court: Court, desk: Desk) -> None:
    post = await court.village.write("author", "a")
    await desk.receive(post, contact=await desk.register("trusted_flagger"), reference="1")
    [case] = await court.queue()
    async with court.database.write() as tx:
        interim = await impose_restriction(tx, case, Kind.HIDE, clause_of("violence"))  # without a verdict: as a detector does
        await tell_statement(tx, interim)
    await court.decide("moderator", case, "hide", days=3)
    statement_id = (await court.told("author"))[-1][1]
    page = await (await court.village.by_browser("author")).get(f"/statements/{statement_id}")
    assert "A trusted flagger wrote to us. A program had hidden it before people decided." in " ".join(page.text.split())
    assert "out-of-court settlement" in page.text
    first = await (await court.village.by_browser("author")).get(f"/statements/{interim.id}")
    assert "had hidden it" not in first.text


async def test_a_member_who_sent_the_notice_does_not_decide(court: Court, desk: Desk) -> None:
    """Only once the address is confirmed: else anybody could bar a moderator."""
    post = await court.village.write("author")
    notice = await desk.receive(post, email="moderator@example.org")
    moderator = court.village.people["moderator"]
    [case] = await court.queue()
    assert moderator.id not in case.barred_ids
    await desk.confirm(notice)
    assert moderator.id in (await court.case(case.id)).barred_ids


async def test_the_same_reference_is_received_once(court: Court, desk: Desk) -> None:
    contact, other = await desk.register(), await desk.register(name="Other", senders=("other.example",))
    post = await court.village.write("author")
    first = await desk.receive(post, contact=contact, reference="A-1")
    assert (await desk.receive(post, contact=contact, reference="A-1")).id == first.id
    assert (await desk.receive(post, contact=contact, reference="A-2")).id != first.id
    assert (await desk.receive(post, contact=other, reference="A-1")).id != first.id


def test_an_incomplete_notice_is_refused() -> None:
    own = OwnAddresses(["http://localhost:8420"])
    whole: dict[str, Any] = {
        "door": Door.FORM, "reason": "It is a threat.", "name": "Alena", "email": "alena@example.org", "in_good_faith": True,
        "addresses": ("http://localhost:8420/posts/1",),
    }
    many = tuple(f"http://localhost:8420/posts/{number}" for number in range(1, 22))
    assert checked(NoticeDraft(**whole), own)
    assert checked(NoticeDraft(**{**whole, "clause": "children", "name": "", "email": ""}), own), "DSA Art. 16(2)(c)"
    for change in (
        {"addresses": ()}, {"addresses": ("https://elsewhere.example/1",)}, {"addresses": many}, {"reason": " "}, {"reason": "x" * 5001},
        {"name": ""}, {"name": "x" * 201}, {"email": ""}, {"email": "alena"}, {"in_good_faith": False}, {"clause": "nonsense"},
        {"claims": "king"}, {"reference": ""}, {"reference": "x" * 201},
    ):
        with pytest.raises(Invalid) as refused:
            checked(NoticeDraft(**{**whole, **change}), own)
        assert [error.field for error in refused.value.errors] == list(change)
        mail = checked(NoticeDraft(**{**whole, **change, "door": Door.MAIL}), own)
        assert mail.addresses == {**whole, **change}["addresses"], "nothing of a mail is refused"
        assert len(mail.reason) <= 5000
    very_many = tuple(f"{many[0]}{number}" for number in range(300))
    assert checked(NoticeDraft(**{**whole, "addresses": very_many, "door": Door.MAIL}), own).addresses == very_many[:200]


async def test_what_nobody_finds_waits_for_a_person(court: Court, desk: Desk) -> None:
    secret = await court.village.write("author", visibility=Visibility.FOLLOWERS)
    notice = await desk.receive(secret)
    assert notice.state is State.UNREAD
    moderator = await court.viewer("moderator")
    with pytest.raises(Invalid):
        async with court.database.write() as tx:
            await add_addresses(tx, desk.intake, moderator, notice.id, ("https://elsewhere.example",))
    async with court.database.write() as tx:
        found = await add_addresses(tx, desk.intake, moderator, notice.id, (desk.address(secret),))
    assert found.state is State.OPEN
    assert [case.subject_id for case in await court.queue()] == [secret.post.id]


async def test_a_person_answers_a_notice_about_nothing(court: Court, desk: Desk) -> None:
    moderator = await court.viewer("moderator")
    notice = await desk.confirm(await desk.receive("http://localhost:8420/posts/77"))
    async with court.database.write() as tx:
        answered = await answer_by_hand(tx, desk.intake, moderator, notice.id, "It is not on our network.")
    assert (answered.state, answered.answer) == (State.ANSWERED, "It is not on our network.")
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await answer_by_hand(tx, desk.intake, moderator, notice.id, "Again.")


async def test_a_person_vouches_for_a_sender(court: Court, desk: Desk) -> None:
    contact = await desk.register("authority")
    secret = await court.village.write("author", visibility=Visibility.FOLLOWERS)
    notice = await desk.receive(secret)
    async with court.database.write() as tx:
        genuine = await vouch_for_sender(tx, desk.intake, await court.viewer("moderator"), notice.id, contact.id)
    assert (genuine.contact_id, genuine.state) == (contact.id, State.OPEN), "now also posts that not everybody sees are found"
    [case] = await court.queue()
    assert (case.is_confirmed, case.due_at) == (True, genuine.due_at)
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await vouch_for_sender(tx, desk.intake, await court.viewer("moderator"), notice.id, contact.id)


async def test_each_share_of_the_time_is_noted_once(court: Court, desk: Desk) -> None:
    notice = await desk.receive(await court.village.write("author"), claims="authority")
    counts = []
    for minutes in (29, 31, 47, 49, 59, 61, 61):
        with clock.stopped_at(notice.received_at + timedelta(minutes=minutes)):
            async with desk.database.write() as tx:
                counts.append(len(await note_deadlines(tx)))
    assert counts == [0, 1, 0, 1, 0, 1, 0]


async def test_operators_are_told_of_urgent_notices_but_not_drowned(court: Court, desk: Desk) -> None:
    await court.village.settle("operator", role=Role.OPERATOR)
    post = await court.village.write("author")
    await desk.receive(post)
    await court.village.work()
    outbox = court.village.settings.data / "outbox"
    assert not list(outbox.glob("*notice_waiting*"))
    for _ in range(12):
        await desk.receive(post, claims="authority")
    await court.village.work()
    assert len(list(outbox.glob("*notice_waiting*"))) == 4


async def test_senders_are_forgotten_a_year_after_the_answer(court: Court, desk: Desk) -> None:
    moderator = await court.viewer("moderator")
    notice = await desk.receive("http://localhost:8420/posts/77")
    async with court.database.write() as tx:
        answered = await answer_by_hand(tx, desk.intake, moderator, notice.id, "Nothing here.")
    assert answered.answered_at
    for after, email in ((SENDERS_KEPT - timedelta(days=1), "alena@example.org"), (SENDERS_KEPT + timedelta(days=1), "")):
        with clock.stopped_at(answered.answered_at + after):
            await forget_senders(desk.database)
        assert (await desk.again(notice)).email == email


async def test_two_notices_at_once_join_one_case(court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    await asyncio.gather(*(desk.receive(post, email=f"a{number}@example.org") for number in range(6)))
    assert len(await court.queue()) == 1
    async with desk.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM notice_cases") == 6


async def test_a_notice_is_received_under_a_policy_without_the_rule_about_the_law(court: Court, desk: Desk) -> None:
    """And a form that was opened under an earlier version may name a rule that was dropped since."""
    today = clock.now().date()
    source = without(without(edited(f"{today}.9"), 8), 4)
    source = source.replace("Reported as: misleading, rules", "Reported as: misleading, rules, children")
    assert not (await publish(court.database, source)).faults
    try:
        post = await court.village.write("author", "a")
        notice = await desk.receive(post)
        assert notice.clause == "identity"  # which stands for what breaks rules, in this policy
        dropped = await desk.receive(post, clause="children", name="", email="")
        assert dropped.clause == "children"
        with pytest.raises(Invalid):
            await desk.receive(post, clause="no such rule")
        [case] = await court.queue()
        page = await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")
        assert page.status == 200
        assert notice.number in page.text
        assert dropped.number in page.text
        assert "alena@example.org" not in page.text
    finally:
        replace_own(())


async def test_a_sender_who_confirms_while_the_case_is_decided_opens_no_other_case(court: Court, desk: Desk) -> None:
    notice = await desk.receive(await court.village.write("author", "Počkáme na něj"))
    [case] = await court.queue()
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await decide_case(tx, moderator, case.id, Decision(action="keep"))
        confirming = asyncio.create_task(desk.confirm(notice))
        while not confirming.done() and not await somebody_waits(court.database):
            await asyncio.sleep(0.01)
    await confirming
    await court.let_half_a_minute_pass()
    assert await court.queue() == []
    assert (await desk.again(notice)).state is State.ANSWERED


def test_addresses_are_read_in_many_forms() -> None:
    own = OwnAddresses(["https://moot.example:443", "https://old.example", "https://media.example"])
    for address, post_id, name, picture in (
        ("https://moot.example/@jana/123", 123, "", ""), ("https://moot.example/posts/123", 123, "", ""),
        ("https://MOOT.example/posts/123/?x#y", 123, "", ""), ("http://moot.example:80/posts/123/history", 123, "", ""),
        ("hxxps://moot[.]example/@jana/123", 123, "", ""), ("https://old.example/users/jana/statuses/123", 123, "", ""),
        ("https://moot.example/api/v1/statuses/123", 123, "", ""), ("https://moot.example/%40jana", None, "jana", ""),
        ("https://moot.example/users/jana", None, "jana", ""), ("https://moot.example/@jana/about", None, "", ""),
        ("https://media.example/media/abcdefghij.small.png", None, "", "abcdefghij"), ("https://moot.example/", None, "", ""),
        ("https://moot.example/posts/99999999999999999999", None, "", ""), ("https://user@moot.example/posts/123", 123, "", ""),
        ("moot.example/posts/123", 123, "", ""), ("moot[dot]example/@jana", None, "jana", ""),
        ("hxxps[://]moot{.}example./@jana/123", 123, "", ""), ("https://moot.example/web/@jana/123#top", 123, "", ""),
        ("https://moot.example/web/statuses/123", 123, "", ""), ("https://moot.example//POSTS/123", 123, "", ""),
        ("https://moot.example/@jana@moot.example/media", None, "jana", ""), ("https://moot.example/deck/@JANA", None, "JANA", ""),
        ("https://moot.example/@jana@elsewhere.example", None, "", ""), ("https://moot.example/posts/12…", None, "", ""),
    ):
        assert own.read(address) == (post_id, name, picture), address
    for foreign in (
        "https://moot.example.org/posts/1", "https://xmoot.example/posts/1", "ftp://moot.example/posts/1", "moot.example",
        "https://evil.example/https://moot.example/posts/1", "", "https://[::1", "javascript:alert(1)", "https://moot.example@x/",
    ):
        assert own.read(foreign) is None, foreign


def test_addresses_are_found_in_a_text() -> None:
    text = "See (https://a.example/posts/1), <https://a.example/posts/2> and hxxps[:]//a[.]example/posts/3. Again https://a.example/posts/1!"
    assert addresses_in(text) == ["https://a.example/posts/1", "https://a.example/posts/2", "hxxps[:]//a[.]example/posts/3"]
    assert addresses_in("„https://a.example/posts/1“ «https://a.example/posts/2»") == ["https://a.example/posts/1", "https://a.example/posts/2"]
    text = "It is at a[.]example/@jana/4, not b.example/x, mail@a.example/posts/9 or https://c.example/a.example/posts/9."
    assert addresses_in(text) == ["a[.]example/@jana/4", "https://c.example/a.example/posts/9"]
    filtered = "https://eur01.filter.example/?url=https%3A%2F%2Fa.example%2F%40jana%2F5&data=05"
    assert addresses_in(filtered) == [filtered, "https://a.example/@jana/5"]
    for hostile in ("https://a", "a.cz/@", "a[.]", "http://x?u="):
        assert len(addresses_in(hostile * 100_000)) < 100_000  # in linear time
