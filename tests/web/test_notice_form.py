"""Notices by the public form: sent without an account, confirmed by mail, followed on the receipt, and read by moderators."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

from folkmoot.base import clock
from folkmoot.base.limits import TABLE
from folkmoot.moderation.journal.actions import anchor, seal
from folkmoot.moderation.journal.anchors import read_published
from folkmoot.moderation.notices.model import State
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

_SENT = {
    "reason": "Vyhrožuje zabitím sousedovi.", "name": "Alena Nová", "email": "alena@example.org", "in_good_faith": "true",
    "clause": "violence",
}


async def _send(visitor: Visitor, addresses: str, *, seconds: float = 10, query: str = "", **changed: Any) -> Answer:
    """Opens the form, waits, and sends it."""
    with clock.stopped_at(clock.now() - timedelta(seconds=seconds)):
        page = (await visitor.get(f"/notice{query}")).text
    began = re.search(r'name="began" value="([^"]+)"', page)
    assert began
    return await visitor.post("/notice", {
        "form_token": form_token(page), "began": began[1], "addresses": addresses, **_SENT, **changed,
    })


def _mails(village: Village, kind: str) -> list[Any]:
    files = sorted((village.settings.data / "outbox").glob(f"*-{kind}.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


async def test_somebody_without_an_account_sends_a_notice_and_confirms_it(court: Court) -> None:
    village = court.village
    post = await village.write("author", "Dobrý den")
    nobody = village.nobody()
    assert f'href="/notice?post={post.post.id}"' in (await nobody.get(f"/@author/{post.post.id}")).text
    assert f"http://localhost:8420/posts/{post.post.id}" in (await nobody.get(f"/notice?post={post.post.id}")).text
    sent = await _send(nobody, f"http://localhost:8420/@author/{post.post.id}\nhttps://elsewhere.example/9")
    assert sent.status == 303, sent.text
    receipt = await nobody.get(sent.headers["location"])
    for said in ("We have your notice", "alena@example.org", "People will look at it", "This address belongs to another site"):
        assert said in receipt.text, said
    await village.work()
    [mail] = _mails(village, "notice_confirm")
    assert mail["Auto-Submitted"] == "auto-generated"
    link = re.search(r"http://localhost:8420(/notice/\S+/confirm/\S+)", mail.get_content())
    assert link
    page = await nobody.get(link[1])
    assert not (await court.queue())[0].is_confirmed, "a mail program that opens links confirms nothing"
    confirmed = await nobody.post(link[1], {"form_token": form_token(page.text)})
    assert confirmed.status == 303
    assert "your address is confirmed" in (await nobody.get(confirmed.headers["location"])).text
    [case] = await court.queue()
    assert (case.is_confirmed, case.clause, case.subject_id) == (True, "violence", post.post.id)


async def test_the_receipt_needs_its_key(court: Court, desk: Desk) -> None:
    notice = await desk.receive(await court.village.write("author"))
    nobody, receipts = court.village.nobody(), desk.intake.receipts
    path, key = receipts.path(notice.number), receipts.key(notice.number)
    assert (await nobody.get(path)).status == 200
    for wrong in (path[:-1], path + "x", f"/notice/{notice.number}/{'0' * 32}", f"/notice/N-2222-2222-22/{key}", f"{path}/x"):
        assert (await nobody.get(wrong)).status == 404, wrong
    found = await nobody.get(f"/notice/find?number={notice.number.lower()}&key=%20{key}")
    assert found.headers["location"] == path
    assert (await nobody.get(f"/notice/find?number={notice.number}&key={'0' * 32}")).status == 422
    assert (await nobody.get(f"/notice/{notice.number}/confirm/{key}")).status == 200
    page = await nobody.get(f"/notice/{notice.number}/confirm/{key}")
    answer = await nobody.post(f"/notice/{notice.number}/confirm/{key}", {"form_token": form_token(page.text)})
    assert answer.status == 404, "the key of the receipt confirms no address"


async def test_the_outcome_is_on_the_receipt(court: Court, desk: Desk) -> None:
    post = await court.village.write("author", "zabiju tě")
    notice = await desk.receive(post)
    await court.decide("moderator", (await court.queue())[0], "remove")
    page = (await court.village.nobody().get(desk.intake.receipts.path(notice.number))).text
    assert "The post was removed." in page
    assert "That is rule 2." in page


async def test_a_program_is_noticed_and_a_person_mistaken_for_one_sends_it_again(court: Court) -> None:
    post = await court.village.write("author")
    nobody, address = court.village.nobody(), f"http://localhost:8420/posts/{post.post.id}"
    quick = await _send(nobody, address, seconds=0)
    assert (quick.status, "very quick" in quick.text) == (422, True)
    assert "Vyhrožuje zabitím sousedovi." in quick.text, "what was written is kept"
    trapped = await _send(nobody, address, website="https://spam.example")
    assert (trapped.status, "trap for programs" in trapped.text) == (422, True)
    assert (await _send(nobody, address, began="1.forged")).status == 422
    assert not await court.queue()
    assert (await _send(nobody, address)).status == 303


async def test_errors_come_back_with_what_was_written(court: Court) -> None:
    nobody = court.village.nobody()
    refused = await _send(nobody, "https://elsewhere.example/1", name="", in_good_faith="")
    assert refused.status == 422
    for said in ("None of these addresses belongs to this network.", "Please give your name.", "Please confirm", "Vyhrožuje",
                 "https://elsewhere.example/1"):
        assert said in refused.text, said


async def test_too_many_notices_come_back(court: Court, village: Village) -> None:
    post = await court.village.write("author")
    nobody, address = court.village.nobody(), f"http://localhost:8420/posts/{post.post.id}"
    async with village.database.write() as tx:
        ends_at = clock.now() + timedelta(hours=1)
        used = 1000 * TABLE["notice"].times
        await tx.execute("INSERT INTO rate_windows (key, count, ends_at) VALUES ($1, $2, $3)", "notice:127.0.0.1", used, ends_at)
    refused = await _send(nobody, address)
    assert refused.status == 429
    assert "Vyhrožuje" in refused.text


async def test_moderators_read_what_waits_and_the_journal_says_so(court: Court, desk: Desk) -> None:
    await desk.register()
    notice = await desk.receive("http://localhost:8420/posts/77", claims="provider")
    moderator, member = await court.village.by_browser("moderator"), await court.village.by_browser("reader")
    assert "/moderate/notices" in (await moderator.get("/moderate")).text
    assert notice.number in (await moderator.get("/moderate/notices")).text
    path = f"/moderate/notices/{notice.id}"
    page = (await moderator.get(path)).text
    for said in ("alena@example.org", "Alena", "The sender is not verified.", "somebody must read it"):
        assert said in page, said
    assert (await desk.journal(("notice.read",))) == ["notice.read"]
    assert (await member.get(path)).status == 404
    assert (await court.village.nobody().get(path)).status == 303
    token = form_token(page)
    wrong = await moderator.post(f"{path}/answer", {"form_token": token, "answer": " "})
    assert (wrong.status, "Please write an answer." in wrong.text) == (422, True)
    wrong = await moderator.post(f"{path}/addresses", {"form_token": token, "addresses": "http://localhost:8420/posts/5"})
    assert (wrong.status, "We found nothing there." in wrong.text) == (422, True)
    assert '<option value="">Choose who it is</option>' in page, "nobody vouches for the first contact by mistake"
    wrong = await moderator.post(f"{path}/vouch", {"form_token": token, "contact": ""})
    assert (wrong.status, "Please choose who this is." in wrong.text) == (422, True)
    assert (await desk.again(notice)).contact_id is None
    assert (await moderator.post(f"{path}/answer", {"form_token": token, "answer": "Nic takového u nás není."})).status == 303
    assert (await desk.again(notice)).state is State.ANSWERED
    receipt = (await court.village.nobody().get(desk.intake.receipts.path(notice.number))).text
    assert "Nic takového u nás není." in receipt
    assert "<h2>Evidence</h2>" not in receipt  # nothing was decided, so there is none
    assert "You can turn to a certified body" in receipt  # not “also”: there is nothing to object to


async def test_operators_register_contacts(court: Court) -> None:
    await court.village.settle("operator", role=Role.OPERATOR)
    operator, moderator = await court.village.by_browser("operator"), await court.village.by_browser("moderator")
    token = form_token((await operator.get("/moderate/contacts")).text)
    form = {"form_token": token, "kind": "provider", "name": "Hosting s.r.o.", "senders": "hosting.example, abuse@other.example"}
    assert (await operator.post("/moderate/contacts", form)).status == 303
    page = (await operator.get("/moderate/contacts")).text
    assert "hosting.example, abuse@other.example" in page
    for change, said in (
        ({"senders": "com"}, "neither a domain"), ({"senders": "", "key": ""}, "a domain, an address or a key"),
        ({"key": "nonsense"}, "not an Ed25519 public key"), ({"kind": "king"}, "Please choose who this is."),
        ({"name": " "}, "give a name"),
    ):
        refused = await operator.post("/moderate/contacts", {**form, **change})
        assert (refused.status, said in refused.text) == (422, True), change
    contact = re.search(r"/moderate/contacts/(\d+)/end", page)
    assert contact
    assert (await moderator.get("/moderate/contacts")).status == 404
    assert (await operator.post(contact[0], {"form_token": token})).status == 303
    assert (await operator.post(contact[0], {"form_token": token})).status == 303, "sent twice"
    assert "Nobody is registered" in (await operator.get("/moderate/contacts")).text
    async with court.database.read() as conn:
        kinds = [row["kind"] for row in await conn.fetch("SELECT kind FROM journal ORDER BY id")]
    assert kinds == ["contact.registered", "contact.ended"]


async def test_the_contact_point_is_on_the_about_page(village: Village) -> None:
    nobody = village.nobody()
    about = (await nobody.get("/about")).text
    assert 'href="/notice"' in about
    assert 'href="/contact"' in about
    page = (await nobody.get("/contact")).text
    for said in ("Articles 11 and 12", "within 1 hour", "within 1 day", "within 7 days", "čeština, English"):
        assert said in page, said


async def test_the_heads_of_the_journal_are_public(court: Court, desk: Desk) -> None:
    await desk.receive(await court.village.write("author"))
    settings, nobody = court.village.settings, court.village.nobody()
    assert "key " in (await nobody.get("/journal/heads")).text
    await seal(court.database, settings.secret, settings.data / "journal.end")
    made = await anchor(court.database)
    assert made
    page = await nobody.get("/journal/heads")
    assert page.headers["content-type"].startswith("text/plain")
    assert read_published(page.text)[1] == [made]
    assert made.hash.hex() not in (await nobody.get(f"/journal/heads?after={made.position}")).text
    assert (await nobody.get("/journal/heads?after=-1")).status == 404
