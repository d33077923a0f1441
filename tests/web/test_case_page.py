"""What the page of a case shows: the reasons of reports in words, and no names."""

import re

from folkmoot.moderation.cases.model import Case
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.model import PollDraft
from tests.api.test_accounts import picture
from tests.moderation.court import Court
from tests.village import LIMITS
from tests.web.test_pages import send


async def main_of(court: Court, case: Case, name: str = "moderator") -> str:
    """The page of a case as the moderator sees it, without its head and foot."""
    page = (await (await court.village.by_browser(name)).get(f"/moderate/cases/{case.id}")).text
    return page[page.index("<main"):page.index("</main>")]


def _reasons(page: str) -> str:
    found = re.search(r"Reasons: ([^<]*)<", page) or re.search(r"Reasons: (.*?)</p>", page, re.S)
    assert found
    return found[1]


async def test_categories_of_apps_are_named_in_the_case(court: Court) -> None:
    view = await court.village.write("author", "Kupte si zázračnou mast.")
    names = ("reporter", "other_reporter", "reader")
    forms = ({"category": "spam"}, {"category": "legal"}, {"category": "violation", "rule_ids": ["7", "2"]})
    for name, form in zip(names, forms, strict=True):
        app = await court.village.by_app(name)
        account = str(court.village.people["author"].id)
        answer = await app.send("POST", "/api/v1/reports", as_json={"account_id": account, "status_ids": [str(view.post.id)], **form})
        assert (answer.status, answer.json["category"]) == (200, form["category"])
    case, = await court.queue()
    assert case.clause == "violence"  # the gravest of the named ones
    page = await main_of(court, case)
    reasons = _reasons(page)
    for words in ("spam", "breaks the law", "rule 7", "rule 2"):
        assert words in reasons, words
    assert "something else" not in reasons
    # The rules that the categories stand for are offered first.
    near = page[page.index('id="clause"'):page.index('class="other-rules"')]
    for number in (2, 7, 8):
        assert f'value="{number}"' in near
    assert 'value="1"' not in near


async def test_a_violation_without_a_rule_and_something_else_are_told_apart(court: Court) -> None:
    view = await court.village.write("author", "Kupte si zázračnou mast.")
    await court.report("reporter", view, category="violation")
    await court.report("other_reporter", view, category="other")
    case, = await court.queue()
    reasons = _reasons(await main_of(court, case))
    assert "a rule, without saying which" in reasons
    assert "something else" in reasons


async def test_the_page_says_what_happens_at_the_deadline(court: Court) -> None:
    await court.report("reporter", await court.village.write("author", "Kupte si zázračnou mast."))
    await court.report("reporter", comment="Celý ten účet.")  # an account is never hidden without people
    pages = {case.subject: await main_of(court, case) for case in await court.queue()}
    assert "If nobody decides in time, the post is hidden until somebody does." in pages["post"]
    assert "Until somebody decides, it stays where it is." in pages["account"]


async def test_who_is_right_as_often_as_wrong_is_called_neither(court: Court) -> None:
    for number, action in enumerate(("remove", "keep")):
        await court.report("reporter", await court.village.write("author", f"Zabiju vás {number}"), clauses=("violence",))
        await court.decide("moderator", (await court.queue())[0], action)
    await court.report("reporter", await court.village.write("author", "Zabiju vás 2"), clauses=("violence",))
    case, = await court.queue()
    page = await main_of(court, case)
    assert "1 person reported it." in page
    assert "usually" not in page
    await court.decide("moderator", case, "keep")
    await court.report("reporter", await court.village.write("author", "Zabiju vás 3"), clauses=("violence",))
    case, = await court.queue()
    assert "1 of them is usually wrong." in await main_of(court, case)


async def test_one_reporter_counts_once_for_each_reason(court: Court) -> None:
    view = await court.village.write("author", "Kupte si zázračnou mast.")
    for comment in ("jedna", "dvě", "tři"):
        await court.report("reporter", view, category="spam", comment=comment)
    case, = await court.queue()
    page = await main_of(court, case)
    assert "1 person reported it." in page
    assert "×" not in _reasons(page)


async def test_the_reporter_reads_the_category_on_the_page_of_the_report(court: Court) -> None:
    view = await court.village.write("author", "Kupte si zázračnou mast.")
    for name, category, words in (("reporter", "spam", "Spam"), ("other_reporter", "legal", "It breaks the law")):
        report = await court.report(name, view, category=category)
        assert words in (await (await court.village.by_browser(name)).get(f"/reports/{report.id}")).text
    visitor = await court.village.by_browser("reader")
    answer = await send(visitor, f"/reports/new?post={view.post.id}", "/reports", post=view.post.id, rule="other", comment="Jiné.")
    assert "Something else" in (await visitor.get(answer.headers["location"])).text


async def test_no_name_is_shown_anywhere_in_a_case_about_a_post(court: Court) -> None:
    village = court.village
    await village.settle("karolina", "vojtech")
    author = village.people["author"]
    async with village.database.write() as tx:
        await update_profile(tx, author, ProfileDraft(display_name="Autorka Nováková", bio="Jsem @author"), LIMITS.base_url)
    upload = await upload_picture(
        village.database, media_store(village.settings), author, picture(), description="@author a @Karolina na http://localhost:8420/@vojtech"
    )
    await village.write("author", "první", cover="vzkaz od @author pro @vojtech", poll=PollDraft(
        titles=("@author má pravdu", "@vojtech@localhost:8420 má pravdu", "@neznama"), expires_in=600))
    polled = await village.write("author", "Hlasujte, píše @author", cover="vzkaz od @author pro @vojtech", poll=PollDraft(
        titles=("@author má pravdu", "@vojtech@localhost:8420 má pravdu", "@neznama"), expires_in=600))
    pictured = await village.write("author", "Viz http://localhost:8420/@author/1 a @vojtech", media_ids=(upload.id,))
    for view in (polled, pictured):
        await court.report("reporter", view, clauses=("violence",), comment="Tohle napsal @author, @karolina to ví.")
        case = next(case for case in await court.queue() if case.subject_id == view.post.id)
        verdict = await court.decide("moderator", case, "remove")
        await send(await village.by_browser("author"), "/statements", f"/statements/{await _statement(court)}/appeal",
                   reason="To je omyl, ať to potvrdí @karolina. Zdraví @author")
        second = next(case for case in await court.queue() if case.appealed_verdict_id == verdict.id)
        for shown, name in ((await main_of(court, case), "moderator"), (await main_of(court, second, "other_moderator"), "other")):
            for word in ("author", "karolina", "vojtech", "neznama", "autorka"):
                assert f"@{word}" not in shown.lower(), (word, name)
            assert "Autorka" not in shown
            assert "má pravdu" in shown or "na http" in shown
            assert "@…" in shown


async def _statement(court: Court) -> int:
    return next(reference for kind, reference in reversed(await court.told("author")) if kind == "statement")


async def test_the_same_person_has_the_same_letter_everywhere_on_the_page(court: Court) -> None:
    view = await court.village.write("author", "@reader a @other_reporter, přijďte", cover="pro @other_reporter", poll=PollDraft(
        titles=("@Reader", "@other_reporter"), expires_in=600))
    await court.village.write("reader", "@author já ne", reply_to_id=view.post.id)
    await court.report("reporter", view, comment="Mluví o @reader.")
    case, = await court.queue()
    page = await main_of(court, case)
    letter = re.search(r"@(\w) a @(\w), přijďte", page)
    assert letter
    reader, other = letter[1], letter[2]
    assert {reader, other} == {"A", "B"}
    for words in (f"pro @{other}", f'>@{reader}</span>', f'>@{other}</span>', f"Mluví o @{reader}.",
                  f"Person {reader}", "@… já ne"):
        assert words in page, words


async def test_an_address_of_mail_is_not_taken_for_a_name(court: Court) -> None:
    view = await court.village.write("author", "Pište na hrusky@example.org")
    await court.report("reporter", view)
    case, = await court.queue()
    assert "hrusky@example.org" in await main_of(court, case)
