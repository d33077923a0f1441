"""The pages of automatic rules: what is in force, what came of it, and why a case is in front of a moderator."""

from collections.abc import Iterator

import pytest

from folkmoot.moderation.rules.published import replace_own, shipped
from tests.moderation.court import Court
from tests.moderation.rule_sets import publish, rule_file

_WORDS = "says: levn* půjčk*"
_TEXT = "Levné půjčky bez registru"


@pytest.fixture(autouse=True)
def _own_rules_end_with_the_test() -> Iterator[None]:
    yield
    replace_own((), ())


async def test_a_moderator_sees_each_rule_with_what_came_of_it(court: Court) -> None:
    await publish(court.database, rule_file(_WORDS, measures="hold"))
    moderator = await court.village.by_browser("moderator")
    assert "It has met nothing in 30 days." in (await moderator.get("/moderate/rules")).text
    for _ in range(3):
        await court.village.write("author", _TEXT)
    await court.village.work()
    await court.decide("moderator", (await court.queue())[0], "remove", clause="spam")
    await court.decide("moderator", (await court.queue())[0], "keep")
    waiting = (await court.queue())[0]
    app = await court.village.by_app("moderator", "admin:read:reports")
    rule, = (await app.get("/api/folkmoot/v1/moderation/rules")).json
    assert (rule["cases"], rule["decided"], rule["violations"], round(rule["precision"][0], 1)) == (3, 2, 1, 0.5)
    assert (rule["measures"], rule["groups"]) == (["hold"], [{"of": "all", "conditions": [_WORDS]}])
    page = (await moderator.get("/moderate/rules")).text
    assert "3 cases in 30 days. People have decided 2 of them: 1 broke a rule" in page
    assert "50 %, between 9 and 91 %" in page
    shown = (await moderator.get("/moderate/rules/test")).text
    assert shown.count('href="/moderate/cases/') == 3
    assert "levn* půjčk*" in shown
    assert "This is a test." in shown
    why = (await moderator.get(f"/moderate/cases/{waiting.id}")).text
    assert "An automatic rule points out that this may break rule 7: A test" in why
    assert "on hold until you decide" in why
    assert 'href="/moderate/rules/test"' in why

    await publish(court.database, rule_file("is a reply", version="2030-01-11", name="other"))
    assert "Not in force any more" in (await moderator.get("/moderate/rules")).text
    assert "not in force any more" in (await moderator.get("/moderate/rules/test")).text


async def test_a_case_about_an_author_names_each_rule_that_they_met(court: Court) -> None:
    rules = rule_file("posts in the last hour >= 2", about="author", name="flood")
    second = rule_file("posts in the last hour >= 3", about="author", name="more").partition("## ")[2]
    await publish(court.database, f"{rules}\n## {second}")
    for number in range(3):
        await court.village.write("author", f"Zpráva {number}")
    await court.village.work()
    case, = await court.queue()
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    assert {"/moderate/rules/flood", "/moderate/rules/more"} <= set(page.split('"'))


async def test_an_outcome_is_not_shown_while_an_appeal_is_heard(court: Court) -> None:
    await publish(court.database, rule_file(_WORDS))
    await court.village.write("author", _TEXT)
    await court.village.work()
    await court.decide("moderator", (await court.queue())[0], "remove", clause="spam")
    other = await court.village.by_browser("other_moderator")
    assert "broke a rule</span>" in (await other.get("/moderate/rules/test")).text
    author = await court.village.by_browser("author")
    (_, statement), *_ = [told for told in await court.told("author") if told[0] == "statement"]
    token = (await author.get(f"/statements/{statement}")).text.partition('name="form_token" value="')[2].partition('"')[0]
    assert (await author.post(f"/statements/{statement}/appeal", {"form_token": token, "reason": "Omyl"})).status == 303
    assert "broke a rule</span>" not in (await other.get("/moderate/rules/test")).text


async def test_all_shipped_rules_are_shown_in_both_languages_and_to_moderators_only(court: Court) -> None:
    moderator = await court.village.by_browser("moderator")
    for rule in shipped()[-1].rules.rules:
        page = await moderator.get(f"/moderate/rules/{rule.name}")
        assert page.status == 200
        assert rule.text["en"] in page.text
    assert (await moderator.get("/moderate/rules/nothing")).status == 404
    assert (await (await court.village.by_app("reader", "admin:read:reports")).get("/api/folkmoot/v1/moderation/rules")).status == 403
    member = await court.village.by_browser("reader")
    assert (await member.get("/moderate/rules")).status in (403, 404)
