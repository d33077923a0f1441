"""The shipped rules: each meets the abuse that it is for, and ordinary life on a network meets none of them."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.rules.backtest import Backtest, Limits, Result
from folkmoot.moderation.rules.jobs import REMEMBER_JOB, Remember
from folkmoot.moderation.rules.published import replace_own, shipped
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.actions import create_post
from folkmoot.network.posts.model import PostDraft, PostView
from tests.moderation.court import Court
from tests.moderation.rule_sets import age
from tests.village import LIMITS, follow, settle

_OFFER = "Přestaň pracovat, vydělávej z domova jako já"


@pytest.fixture(autouse=True)
def _shipped_rules_are_in_force() -> Iterator[None]:
    replace_own((), ())
    yield
    replace_own((), ())


class Street:
    """Writes posts that are some minutes old, by accounts of a chosen age."""

    def __init__(self, court: Court) -> None:
        self.court = court
        self.database: Database = court.database

    async def move_in(self, name: str, days: float = 0) -> Account:
        account = await settle(self.database, name)
        await age(self.database, account, days or 0.1)
        self.court.village.people[name] = account
        return account

    async def say(self, author: Account, text: str, minutes: float = 0, reply_to: PostView | None = None) -> PostView:
        draft = PostDraft(text=text, reply_to_id=reply_to.post.id if reply_to else None)
        async with self.database.write() as tx:
            return await create_post(tx, author, draft, LIMITS, at=clock.now() - timedelta(minutes=minutes))

    async def test(self) -> Result:
        """What the shipped rules would have met. The texts are remembered first, as after an upgrade."""
        async with self.database.write() as tx:
            tx.enqueue(REMEMBER_JOB, Remember())
        await self.court.village.work()
        return await Backtest(self.database, shipped()[-1].rules, "network.example").run(Limits())


async def _links(street: Street) -> None:
    spammer = await street.move_in("spammer")
    await street.say(spammer, "Nejlepší hodinky: https://a.example https://b.example https://c.example", 1)


async def _wave(street: Street) -> None:
    for number in range(5):
        await street.say(await street.move_in(f"wave{number}", 5), f"{_OFFER} https://money.example", 5 - number)


async def _sign_up_wave(street: Street) -> None:
    crowd = [await street.move_in(f"robot{number}") for number in range(20)]
    for robot in crowd[:2]:
        await street.say(robot, f"{_OFFER} https://money.example")


async def _again(street: Street) -> None:
    spammer = await street.move_in("again", 60)
    for number in range(6):
        await street.say(spammer, f"{_OFFER} @{['reader', 'reporter'][number % 2]}", 120 - 10 * number)


async def _strangers(street: Street) -> None:
    spammer = await street.move_in("newcomer")
    await street.say(spammer, "@reader @reporter @other_reporter @author máte zájem?", 1)


async def _flood(street: Street) -> None:
    flooder = await street.move_in("flooder", 100)
    async with street.database.write() as tx:
        for number in range(101):
            at = clock.now() - timedelta(minutes=50 - number / 4)
            await create_post(tx, flooder, PostDraft(text=f"Zpráva {number}"), LIMITS, at=at)


async def _hounding(street: Street) -> None:
    hounder = await street.move_in("hounder", 100)
    for number in range(11):
        await street.say(hounder, f"@reader tak co, {number}?", 40 - number)


async def _pile_on(street: Street) -> None:
    target = await street.say(street.court.village.people["reader"], "Myslím, že kašna je pěkná", 59)
    for number in range(9):
        await street.say(await street.move_in(f"crowd{number}"), f"@reader styď se {number}", 20 - number, target)


@pytest.mark.parametrize(("abuse", "rule"), [
    (_links, "spam-new-account"), (_wave, "spam-many-accounts"), (_sign_up_wave, "spam-sign-up-wave"), (_again, "spam-same-text"),
    (_strangers, "spam-strangers"), (_flood, "flood"), (_hounding, "flood-at-one-person"), (_pile_on, "pile-on"),
])
async def test_each_rule_meets_the_abuse_that_it_is_for_and_no_other_does(
    court: Court, abuse: Callable[[Street], Awaitable[None]], rule: str
) -> None:
    street = Street(court)
    await abuse(street)
    met = {name: one.met for name, one in (await street.test()).rules.items() if one.met}
    assert met.keys() == {rule}
    async with court.database.read() as conn:  # and while it happened
        rows = await conn.fetch("SELECT DISTINCT detector FROM signals")
    assert [row["detector"] for row in rows] == [f"rule {rule}"]


async def test_ordinary_life_meets_no_rule(court: Court) -> None:
    """Newcomers who introduce themselves, a lively thread, friends, a chorus of greetings, a feed of news, an invitation."""
    street = Street(court)
    reader, author = court.village.people["reader"], court.village.people["author"]
    new = await street.move_in("nova")
    await street.say(new, "Ahoj, jsem tu nová! Píšu o zahradě na https://zahrada.example a fotím. #představení", 30)
    await street.say(new, "@reader @author znáte někoho, kdo šlechtí jabloně?", 25)
    await street.say(new, "Moje tři oblíbené zdroje: https://zahrada.example/a https://zahrada.example/b", 20)
    thread = await street.say(reader, "Kdo přijde v sobotu sázet lípy?", 58)
    for number in range(14):
        friend = await street.move_in(f"friend{number}", 40 + number)
        await street.say(friend, f"@reader přijdu a vezmu {number + 1} rýčů", 50 - number, thread)
        await street.say(friend, "Všechno nejlepší k svátku!", 45 - number)
        await street.say(friend, "Dobré ráno všem, přeju krásný a klidný den", 44 - number)
    await follow(court.database, reader, author)
    for number in range(12):
        await street.say(author, f"@reader a víš co? {number}", 40 - number)
    press = await street.move_in("noviny", 200)
    for number in range(20):
        await street.say(press, f"Zpráva dne číslo {number}: https://noviny.example/{number}", 1400 - 60 * number)
    invitation = "Zveme vás na koncert v neděli v sedm večer"
    for number in range(3):
        await street.say(press, f"{invitation} https://noviny.example/koncert", 1300 - 300 * number)
    result = await street.test()
    assert result.posts > 80
    assert {name: one.examples for name, one in result.rules.items() if one.met} == {}
