"""Over a limit nothing is changed, and a form with text of the member is shown again with its values."""

import re
from datetime import timedelta
from typing import Any

from folkmoot.base import clock
from folkmoot.base.limits import Limits
from folkmoot.moderation.holds.actions import place_hold
from folkmoot.moderation.holds.model import Ground
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.web.routes import ROUTES
from tests.hostile.sample import build_sample, state
from tests.hostile.test_routes import TOMORROW, _path
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.village import Village, Visitor
from tests.web.test_pages import form_token

KEEPING_FORM = [route for route in ROUTES if route.keeps_form]
SENTENCE = "That was a lot in a short time. Please wait a little."
# The values that are sent and must be on the returned page. Passwords are never returned.
_FILLED = {
    "/posts": {"text": "Napsal jsem dlouhý příspěvek", "cover": "Pozor", "with_cover": "true"},
    "/posts/{id}/edit": {"text": "Opravil jsem dlouhý příspěvek"},
    "/scheduled/{id}/edit": {"text": "Napíšu to až zítra", "with_due_at": "true", "due_at": TOMORROW},
    "/log_in": {"name": "jana_na_ceste"},
    "/sign_up": {"username": "novacek", "email": "novacek@example.org"},
    "/reset": {"email": "novacek@example.org"},
    "/reset/{code}": {},
    "/reports": {"rule": "other", "comment": "Tohle se nedělá"},
    "/reports/{id}/appeal": {"reason": "Nesouhlasím s tím"},
    "/statements/{id}/appeal": {"reason": "Nesouhlasím s tím"},
    "/accounts/{id}/note": {"note": "Potkali jsme se na trhu"},
    "/moderate/cases/{id}/decide": {"explanation": "Zve na rvačku", "days": "5"},
    "/moderate/cases/{id}/work": {"note": "Znám ho z dřívějška"},
    "/moderate/cases/{id}/hold": {"reason": "Soud si o to napsal", "days": "33"},
    "/moderate/cases/{id}/reverse": {"what": "Byla to citace"},
    "/moderate/cases/{id}/deletion": {"why": "Vrací se pořád znovu"},
    "/moderate/holds/{id}/release": {"reason": "Soud už nic nechce"},
    "/moderate/templates": {"title": "Rvačka", "text": "Zve na rvačku u kašny."},
    "/moderate/preferences": {"daily_limit": "7"},
    "/notice": {"addresses": "http://localhost/@eva/1", "reason": "Tohle je proti zákonu", "name": "Jan Novák"},
    "/notice/{number}/{key}/appeal": {"reason": "Nesouhlasím s tím"},
    "/jury": {"avoided": "cover"},
    "/jury/choices": {"avoided": "cover"},
    "/settings/profile": {"display_name": "Jana z Prahy", "note": "Zahradnice"},
    "/settings/password": {},
    "/settings/email": {"email": "jinam@example.org"},
    "/settings/export": {},
    "/settings/delete": {},
    "/settings/invitations": {"uses": "17", "days": "23"},
}
_HIDDEN = {"password": "tajne heslo je dlouhe", "old_password": "tajne heslo je dlouhe"}


async def _exhaust(village: Village, visitor: Visitor) -> None:
    """Uses up the limit of the visitor: three requests in five minutes."""
    limits = Limits(0.002)
    object.__setattr__(village.front._pages._context, "limits", limits)
    for _ in range(4):
        await visitor.get("/about")


def test_every_form_is_covered() -> None:
    assert {route.path for route in KEEPING_FORM} == set(_FILLED)


async def test_forms_are_shown_again_with_their_values_and_nothing_is_changed(village: Village) -> None:
    sample, context = await build_sample(village), village.front._pages._context
    async with village.database.write() as tx:  # the jury is for accounts of some age
        await tx.execute("UPDATE accounts SET created_at = created_at - interval '30 days'")
    usual = context.limits
    for route in KEEPING_FORM:
        if "appeal" in route.path or "moderate" in route.path:  # below
            continue
        visitor = await sample.member() if route.access == "member" else village.nobody()
        token = form_token((await visitor.get("/posts/new" if route.access == "member" else "/log_in")).text)
        await _exhaust(village, visitor)
        before = await state(village.database)
        filled = {**({"account": sample.ids["account"]} if route.path == "/reports" else {}), **_FILLED[route.path]}
        answer = await visitor.post(_path(route, sample), {"form_token": token, **_HIDDEN, **filled})
        object.__setattr__(context, "limits", usual)
        assert answer.status == 429, route.path
        assert 1 <= int(answer.headers["retry-after"]) <= 300, route.path
        assert SENTENCE in answer.text, route.path
        for name, value in _FILLED[route.path].items():
            is_choice = name == "rule" or name.startswith("with_")
            assert is_choice or re.search(rf'name="{name}"[^>]*(value="{value}"|>\s*{value})', answer.text), (route.path, name)
        assert "tajne heslo" not in answer.text, route.path
        assert await state(village.database) == before, route.path


async def test_a_reply_is_shown_again_as_a_reply(village: Village) -> None:
    sample = await build_sample(village)
    jana = await sample.member()
    token = form_token((await jana.get("/posts/new")).text)
    await _exhaust(village, jana)
    for form in ({"text": "odpověď všem", "reply_to": sample.ids["post"]}, {"text": "@karel jen tobě", "visibility": "3"}):
        answer = await jana.post("/posts", {"form_token": token, **form})
        assert answer.status == 429
        for name, value in form.items():
            assert value in answer.text, name
        if "visibility" in form:
            assert re.search(r'value="3"[^>]*(checked|selected)', answer.text)


async def test_appeals_are_shown_again_with_their_values(village: Village) -> None:
    court = await Court(village).open()
    view = await village.write("author", "Přijďte si pro ránu.")
    await court.report("reporter", view, clauses=("violence",))
    [case] = await court.queue()
    await court.decide("moderator", case, "hide", days=3)
    (_, statement), = [told for told in await court.told("author") if told[0] == "statement"]
    about_author = await court.report("other_reporter", comment="Celý ten účet.")
    [case] = await court.queue()
    verdict = await court.decide("moderator", case, "keep")
    for name, page in (("author", f"/statements/{statement}"), ("other_reporter", f"/reports/{about_author.id}")):
        visitor = await village.by_browser(name)
        token = form_token((await visitor.get(page)).text)
        await _exhaust(village, visitor)
        answer = await visitor.post(f"{page}/appeal", {"form_token": token, "reason": "Nesouhlasím s tím", "verdict": verdict.id})
        assert answer.status == 429, page
        assert "Nesouhlasím s tím</textarea>" in answer.text
    desk = Desk(village)
    notice = await desk.confirm(await desk.receive(await village.write("author", "Přijďte si pro další ránu.")))
    [case] = await court.queue()
    verdict = await court.decide("moderator", case, "keep")
    path, visitor = desk.intake.receipts.path(notice.number), village.nobody()
    token = form_token((await visitor.get(path)).text)
    await _exhaust(village, visitor)
    answer = await visitor.post(f"{path}/appeal", {"form_token": token, "reason": "Nesouhlasím s tím", "verdict": verdict.id})
    assert answer.status == 429
    assert "Nesouhlasím s tím</textarea>" in answer.text
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM appeals") == 0


async def test_many_forms_over_the_limit_get_a_short_answer(village: Village) -> None:
    jana = village.nobody()
    token = form_token((await jana.get("/log_in")).text)
    await _exhaust(village, jana)
    sizes = [len((await jana.post("/log_in", {"form_token": token, "name": "jana"})).body) for _ in range(100)]
    last = await jana.post("/log_in", {"form_token": token, "name": "jana"})
    assert 'name="password"' not in last.text
    assert len(last.body) <= sizes[0]


async def test_a_form_without_its_token_is_not_shown_again(village: Village) -> None:
    jana = village.nobody()
    await jana.get("/log_in")
    await _exhaust(village, jana)
    answer: Any = await jana.post("/log_in", {"form_token": "x.y", "name": "jana_na_ceste"})
    assert answer.status == 403
    assert "jana_na_ceste" not in answer.text


async def test_what_moderators_write_is_shown_again(village: Village) -> None:
    court = await Court(village).open()
    await court.report("reporter", await village.write("author", "Přijďte si pro ránu."), clauses=("violence",))
    [case] = await court.queue()
    moderator = await village.by_browser("moderator")
    token = form_token((await moderator.get(f"/moderate/cases/{case.id}")).text)
    await _exhaust(village, moderator)
    for form in ("/moderate/cases/{id}/work", "/moderate/cases/{id}/hold", "/moderate/templates", "/moderate/preferences"):
        answer = await moderator.post(form.format(id=case.id), {"form_token": token, **_FILLED[form]})
        assert answer.status == 429, form
        for value in _FILLED[form].values():
            assert value in answer.text, form


async def test_what_two_people_decide_is_shown_again(village: Village) -> None:
    court = await Court(village).open()
    await court.report("reporter", await village.write("author", "Přijďte si pro ránu."), clauses=("violence",))
    [case] = await court.queue()
    await court.decide("moderator", case, "suspend")
    until = clock.now() + timedelta(days=9)
    async with village.database.write() as tx:
        hold = await place_hold(tx, case, Ground.PEOPLE, until=until, reason="Soud se ptá.")
    moderator = await village.by_browser("moderator")
    token = form_token((await moderator.get("/moderate/holds")).text)
    await _exhaust(village, moderator)
    for form, id_ in (
        ("/moderate/cases/{id}/reverse", case.id), ("/moderate/cases/{id}/deletion", case.id), ("/moderate/holds/{id}/release", hold.id),
    ):
        answer = await moderator.post(form.format(id=id_), {"form_token": token, **_FILLED[form]})
        assert answer.status == 429
        for value in _FILLED[form].values():
            assert f">{value}</textarea>" in answer.text


async def test_a_decision_is_shown_again_with_its_values(village: Village) -> None:
    court = await Court(village).open()
    await court.report("reporter", await village.write("author", "Přijďte si pro ránu."), clauses=("violence",))
    [case] = await court.queue()
    moderator = await village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    await _exhaust(village, moderator)
    form = {"form_token": form_token(page), "action": "hide", "clause": "2", **_FILLED["/moderate/cases/{id}/decide"]}
    answer = await moderator.post(f"/moderate/cases/{case.id}/decide", form)
    assert answer.status == 429
    assert "Zve na rvačku</textarea>" in answer.text
    assert re.search(r'name="days"[^>]*value="5"', answer.text)
    assert re.search(r'value="hide" checked', answer.text)


async def test_a_form_is_shown_again_while_writes_are_paused(village: Village) -> None:
    """During a move, and on a standby, a member loses no text either."""
    sample = await build_sample(village)
    visitor = await sample.member()
    token = form_token((await visitor.get("/posts/new")).text)
    async with village.database.write() as tx:
        await tx.execute("UPDATE host_state SET epoch = epoch + 1")  # another host writes now
    for path, field in (
        ("/posts", "text"), ("/posts/{id}/edit", "text"), ("/reports", "comment"), ("/accounts/{id}/note", "note"),
        ("/settings/profile", "note"),
    ):
        [route] = [route for route in KEEPING_FORM if route.path == path]
        filled = {**({"account": sample.ids["account"]} if path == "/reports" else {}), **_FILLED[path]}
        answer = await visitor.post(_path(route, sample), {"form_token": token, **filled})
        assert answer.status == 503, path
        assert int(answer.headers["retry-after"]) >= 1, path
        assert "You are reading a copy of the network." in answer.text, path
        assert filled[field] in answer.text, path


async def test_a_frozen_member_keeps_the_text(village: Village) -> None:
    jana, = await village.settle("jana")
    visitor = await village.by_browser("jana")
    async with village.database.write() as tx:
        await set_effect(tx, jana.id, AccountEffect.FROZEN)
    token = form_token((await visitor.get("/posts/new")).text)
    answer = await visitor.post("/posts", {"form_token": token, "text": "Napsal jsem dlouhý příspěvek"})
    assert answer.status == 403
    assert "Your account is frozen." in answer.text
    assert "Napsal jsem dlouhý příspěvek</textarea>" in answer.text
