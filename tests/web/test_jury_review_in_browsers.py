"""The review in a browser: axe in both languages, on a desktop and a phone; two keys for an answer; where the focus goes."""

import secrets
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.cases.queries import find_open_case
from folkmoot.moderation.juries.model import Jury, Seat, SeatState, State
from folkmoot.moderation.juries.queries import insert_jury, insert_seats
from folkmoot.moderation.jurors.model import Choices, Juror
from folkmoot.moderation.jurors.model import State as JurorState
from folkmoot.moderation.jurors.queries import insert_juror, lock_turns, update_cases_to_gold, update_juror
from folkmoot.moderation.jury.model import Camp
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.posts.actions import PostLimits, create_post
from folkmoot.network.posts.model import PostDraft
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, on_database
from tests.web.browsing import log_in, open_page
from tests.web.test_axe_moderation import _examine as examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop

TEXTS = {
    "cs": ("Zítra v sedm před radnicí. Kdo má doma tyč, ať ji vezme. Starosta si to konečně odskáče.", "Kdo jde na schůzi o louce?"),
    "en": ("Tomorrow at seven, in front of the town hall. Bring a stick if you have one. The mayor is due.", "Who comes to the meeting?"),
}


def _sit(network: NetworkUp, name: str, language: str) -> None:
    """Makes an account a juror with two seats in cases of the same words, one of which answers somebody."""
    author, reporter, asker = (newcomer(network, kind) for kind in ("autor", "hlasi", "pta_se"))
    text, question = TEXTS[language]

    async def change(database: Database) -> None:
        now = clock.now()
        limits = PostLimits(base_url=network.url)
        async with database.write() as tx:
            juror, writer, teller, other = [await find_account_by_name(tx, one) for one in (name, author, reporter, asker)]
            assert juror
            assert writer
            assert teller
            assert other
            await tx.execute("UPDATE accounts SET created_at = $2 WHERE id = $1", juror.id, now - timedelta(days=40))
            record = Juror(
                account_id=juror.id, state=JurorState.JUROR, changed_at=now, counted_from=now, passed_at=now,
                choices=Choices(languages=(language,)),
            )
            await insert_juror(tx, record)
            await update_juror(tx, record)
            await lock_turns(tx, juror.id)
            await update_cases_to_gold(tx, juror.id, 40)
            root = await create_post(tx, other, PostDraft(text=question, language=language), limits)
            for reply_to_id in (root.post.id, None):
                draft = PostDraft(text=f"{text} @{asker}", language=language, reply_to_id=reply_to_id)
                view = await create_post(tx, writer, draft, limits)
                await file_report(tx, teller, ReportDraft(account_id=writer.id, post_ids=(view.post.id,), clauses=("violence",)))
                case = await find_open_case(tx, Subject.POST, view.post.id)
                assert case
                await insert_jury(tx, Jury(case_id=case.id, state=State.SITTING, formed_at=now, wanted=1))
                await insert_seats(tx, [Seat(
                    id=secrets.randbits(62), case_id=case.id, number=1, account_id=juror.id, camp=Camp.ONE, state=SeatState.OFFERED,
                    drawn_at=now, until=now + timedelta(hours=2),
                )])

    on_database(network, change)


@pytest.mark.parametrize(("language", "width"), [("cs", 390), ("en", 1280)])
def test_a_juror_answers_with_two_keys_and_axe_finds_nothing(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    name = newcomer(running, "soudi", language=language)
    _sit(running, name, language)
    how = {"locale": language, "viewport": {"width": width, "height": 844}, "bypass_csp": True, "reduced_motion": "reduce"}
    page = log_in(open_page(browser, running, **how), name)
    page.goto("/jury")
    while page.locator("main .button.judging").count() == 0:  # the old age was remembered for a moment
        page.reload()
    examine(page, f"items wait in {language}")
    page.click("main .button.judging")
    page.wait_for_url("**/jury/review")
    expect(page.locator("section[data-focus]")).to_be_focused()
    expect(page.locator(".grave")).to_be_hidden()
    examine(page, f"an item in {language}")
    first = page.locator("input[name=item]").input_value()
    page.click("[data-send]")
    page.wait_for_selector(".is-wrong")
    examine(page, f"an item without an answer in {language}")
    page.keyboard.press("2")
    expect(page.locator(".grave")).to_be_visible()
    page.keyboard.press("s")
    page.keyboard.press("s")
    expect(page.locator(".grave input[value='2']")).to_be_checked()
    examine(page, f"an item with an answer in {language}")
    _open_all(page)
    examine(page, f"an item with everything open in {language}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jury/review?after={first}")
    expect(page.locator("section[data-focus]")).to_be_focused()
    page.keyboard.press("0")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jury/rest?after=*")
    examine(page, f"nothing waits in {language}")
    page.goto("/jury/outcomes")
    examine(page, f"outcomes in {language}")
    assert not page.problems  # type: ignore[attr-defined]


def _open_all(page: Page) -> None:
    page.locator("main details:not([open]) > summary").first.wait_for()
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
