"""A taken name is answered with free ones, which can really be had."""

import html
import re

from folkmoot.network.accounts.actions import delete_account
from tests.village import Village
from tests.web.test_pages import send

FORM = {"email": "nova.jana@example.org", "password": "lipa nad kasnou", "agrees": "1"}


async def _suggested(village: Village) -> list[str]:
    answer = await send(village.nobody(), "/sign_up", "/sign_up", username="jana", **FORM)
    assert answer.status == 422
    found = re.search(r"Free: ([\w, ]+)", html.unescape(answer.text))
    return found[1].split(", ") if found else []


async def test_suggested_names_are_neither_taken_nor_names_of_former_members(village: Village) -> None:
    await village.settle("jana")
    first = await _suggested(village)
    assert len(first) == 3
    gone, taken, free = first
    await village.settle(gone, taken)
    async with village.database.write() as tx:
        await delete_account(tx, village.people[gone].id)
    second = await _suggested(village)
    assert second[0] == free
    assert not {gone, taken} & set(second)
    assert len(second) == 3
    for name in second:
        form = {**FORM, "email": f"{name}@example.org", "username": name}
        assert (await send(village.nobody(), "/sign_up", "/sign_up", **form)).status == 303
