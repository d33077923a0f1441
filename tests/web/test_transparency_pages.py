"""The public pages of the figures: open to everybody, in both languages, cheap, and equal to the files beside them."""

import asyncio
import hashlib
import html
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.moderation.transparency.actions import publish_month, write_note
from folkmoot.moderation.transparency.counting import count_month
from folkmoot.moderation.transparency.monthly import FEW, Figures, State
from folkmoot.moderation.transparency.reading import KEPT_FOR
from tests.moderation.court import Court
from tests.village import Village, Visitor
from tests.web.public_figures import SETTINGS, Shown, busy_report, quiet_report

_OCTOBER = date(2026, 10, 1)
_NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)


def _main(page: str) -> str:
    return page[page.index("<main"):page.index("</main>")]


def _words(part: str) -> str:
    """The text of a page as people read it."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", part)))


@pytest.mark.parametrize("language", ["cs", "en"])
def test_a_busy_month_shows_its_figures_and_nothing_below_five(language: str) -> None:
    shown, report = Shown(), busy_report()
    page = _main(shown.month(report, "2026-10", language))
    words = _words(page)
    for number in ("612", "172", "480", "402", "214"):
        assert number in words
    assert ("99%" in words, "99 %" in words.replace("\u00a0", " ")) == ((True, False) if language == "en" else (False, True))
    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    assert len(tables) == 8  # work, speed, deadlines, rules, measures, what was seen, all that was measured, programs
    small = {"en": "fewer than 5", "cs": "méně než 5"}[language]
    assert words.count(small) >= 10
    assert "<script" not in page


def test_each_chart_has_its_numbers_as_a_label_and_in_a_table() -> None:
    page = Shown().month(busy_report(), "2026-10", "en")
    labels = re.findall(r'aria-label="([^"]+)"', "".join(re.findall(r"<svg viewBox[^>]+>", page)))
    assert len(labels) == 6
    deadlines = next(label for label in labels if label.startswith("1 deadline was missed"))
    assert "Suspected threats and other grave cases 214 in time, 1 late" in deadlines
    table = next(one for one in re.findall(r"<table.*?</table>", page, re.DOTALL) if "Suspected threats" in one)
    assert re.search(r"Suspected threats and other grave cases</th><td>214</td><td>0</td><td>1</td>", table)
    decided = next(label for label in labels if label.startswith("What was decided"))
    drawn = dict(re.findall(r"(left as it was|removed|hidden for a time|covered with a label) (\d+)", decided))
    figures = busy_report().month("2026-10")
    assert drawn == {"left as it was": str(figures.decisions.by_action["keep"]), "removed": "210", "hidden for a time": "90",
                     "covered with a label": "48"}
    assert figures.decisions.by_action["suspend"] == FEW


@pytest.mark.parametrize("language", ["cs", "en"])
def test_what_was_measured_is_shown_with_its_interval_and_corrections(language: str) -> None:
    page = _main(Shown().month(busy_report(), "2026-10", language))
    words = _words(page)
    values = {"en": ("4.2", "2.5 to 6.3", "12% to 58%"), "cs": ("4,2", "2,5 až 6,3", "12 % až 58 %")}[language]
    for value in (*values, "612", "Jeden den byl počítán dvakrát."):
        assert value in words.replace("\u00a0", " ")
    assert page.count('class="interval"') == 8  # March to October: what was not measured is no zero
    assert "nan" not in words.lower().split()
    before = _words(_main(Shown().month(busy_report(), "2026-01", language)))
    assert {"en": "Not measured yet.", "cs": "Zatím neměříme."}[language] in before


def test_what_went_wrong_is_listed_with_its_days_and_the_words_of_the_operator() -> None:
    words = _words(_main(Shown().month(busy_report(), "2026-10", "en")))
    part = words[words.index("What went wrong"):words.index("The rules, and what changed")]
    assert "Nobody had decided in time in 1 case (Suspected threats and other grave cases), and nothing was hidden" in part
    assert "11 decisions turned out to be wrong on appeal, and were taken back. Days of the month: 10, 11, 12" in part
    assert part.index("nothing was hidden meanwhile") < part.index("11 decisions") < part.index("they were hidden until")
    assert "Čtvrtého října jsme neměli službu." in part
    assert "The words of this note were withdrawn on" in part
    assert "Another machine took over the journal" in part


@pytest.mark.parametrize("language", ["cs", "en"])
def test_a_network_of_one_week_has_a_page_that_makes_sense(language: str) -> None:
    words = _words(_main(Shown().month(quiet_report(), "2026-11", language)))
    figures = words[:words.index({"en": "How we count", "cs": "Jak počítáme"}[language])]
    assert {"en": "This network is young", "cs": "Tato síť je mladá"}[language] in words
    assert "–" not in words
    assert "nan" not in words.lower().split()
    assert {"en": "fewer than 5", "cs": "méně než 5"}[language] not in figures


async def test_everybody_can_read_the_pages_and_files(village: Village) -> None:
    await village.settle("jana")
    nobody = village.nobody()
    page = await nobody.get("/transparency")
    assert page.status == 200
    month = f"{clock.now():%Y-%m}"
    for path, kind in (("", "text/html"), ("/csv", "text/csv"), ("/json", "application/json")):
        answer = await nobody.get(f"/transparency/{month}{path}")
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        assert f"/transparency/{month}{path}" in page.text
    assert (await nobody.get("/transparency/csv")).text.startswith("month,state,figure,of,value\r\n")
    assert (await nobody.get("/transparency/provider")).status == 200
    for wrong in ("2020-01", "2026-13", "xyz", "2999-01"):
        assert (await nobody.get(f"/transparency/{wrong}")).status == 404
        assert (await nobody.get(f"/transparency/{wrong}/json")).status == 404
    for path in ("/about", "/contact", "/explore"):
        assert "/transparency" in (await nobody.get(path)).text


async def test_readers_cost_statements_once_in_five_minutes(village: Village) -> None:
    await village.settle("jana")
    now = clock.now().replace(day=10)  # no month ends in the minutes of this test

    async def cost(read: Callable[[], Awaitable[object]]) -> int:
        before = village.database.statements
        await read()
        return village.database.statements - before

    nobody = village.nobody()
    await nobody.get("/about")  # the first request of a process reads which networks are kept out
    with clock.stopped_at(now):
        first = await cost(lambda: nobody.get("/transparency"))
        paths = ("/transparency", "/transparency/provider", f"/transparency/{now:%Y-%m}/json", "/transparency/csv")
        assert await cost(lambda: asyncio.gather(*(nobody.get(path) for path in paths * 5))) == 0
    for number in range(5):
        await village.write("jana", f"Dobrý den {number}")
    with clock.stopped_at(now + KEPT_FOR):
        assert await cost(lambda: asyncio.gather(*(nobody.get("/transparency") for _ in range(20)))) == first <= 30
    page = await nobody.get(f"/transparency/{now:%Y-%m}/json")
    assert page.headers["cache-control"] == "public, max-age=300"


async def test_a_published_month_is_served_as_it_was_published(court: Court) -> None:
    """Also after figures would be counted differently, and with the fingerprint that the journal has."""
    village = court.village
    with clock.stopped_at(_NOON):
        async with village.database.write() as tx:
            figures = await count_month(tx, village.settings, _OCTOBER, State.FINAL, clock.now())
            await publish_month(tx, figures)
            await write_note(tx, _OCTOBER, "cs", "Byli jsme pomalí.")
        nobody = village.nobody()
        answer = await nobody.get("/transparency/2026-10/json")
        page = await nobody.get("/transparency/2026-10", accept_language="cs")
    assert answer.headers["cache-control"] == "public, max-age=86400"
    digest = hashlib.sha256(answer.body).hexdigest()
    assert digest in page.text
    assert "Byli jsme pomalí." in page.text
    async with village.database.read() as conn:
        facts = await conn.fetchval("SELECT facts FROM journal WHERE kind = 'transparency.month_published'")
    assert digest in facts


async def test_the_newest_month_that_is_over_comes_first(court: Court) -> None:
    with clock.stopped_at(datetime(2026, 10, 20, tzinfo=UTC)):
        view = await court.village.write("author", "Zítra u něj doma.")
        await court.report("reporter", view, clauses=("violence",))
    with clock.stopped_at(_NOON):
        page = (await court.village.nobody().get("/transparency", accept_language="en")).text
        assert "October 2026 ·" in _words(page)
        assert "These figures are not final yet" in page  # nobody has published them
        running = (await court.village.nobody().get("/transparency/2026-11", accept_language="en")).text
    assert "This month is not over." in running
    assert 'rel="prev" href="/transparency/2026-10"' in running


async def test_no_page_names_a_member(court: Court) -> None:
    view = await court.village.write("author", "Zítra u něj doma.")
    await court.report("reporter", view, clauses=("violence",))
    await court.decide("moderator", (await court.queue())[0], "remove")
    nobody: Visitor = court.village.nobody()
    month = f"{clock.now():%Y-%m}"
    for path in ("", f"/{month}", f"/{month}/csv", f"/{month}/json", "/csv", "/provider"):
        text = (await nobody.get(f"/transparency{path}")).text
        text = _main(text) if "<main" in text else text
        for name in ("other_reporter", "other_moderator", "@author", "@moderator", "Zítra"):
            assert name not in text
        assert not {str(account.id) for account in court.village.people.values()} & set(re.findall(r"\d{15,}", text))


def test_the_words_for_hosts_are_there_in_both_languages() -> None:
    for language, title in (("en", "How Spolek Lípa, Brno handles violent content"), ("cs", "Jak Spolek Lípa, Brno")):
        page = Shown().provider(busy_report(), language)
        assert title in html.unescape(page)
        assert "abuse@moot.example.org" in page
        assert SETTINGS.notices.on_call in page
        assert f"{SETTINGS.base_url}/journal/heads" in page


def test_figures_of_an_unknown_field_are_still_read() -> None:
    """A host of the previous release reads what a newer one has published."""
    content = msgspec.json.encode({**msgspec.to_builtins(busy_report().months[0]), "new": 1})
    assert msgspec.json.decode(content, type=Figures).decisions.total == 612
