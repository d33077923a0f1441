"""Settings pages: sent values are stored, also zero and empty ones; fields that are not sent stay unchanged."""

import msgspec
import pytest

from folkmoot.network.accounts.queries import get_account
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.actions import change_preferences
from folkmoot.network.sessions.model import Preferences, Viewer
from tests.village import Village
from tests.web.test_pages import send

BEFORE = Preferences(theme="dark", contrast="more", text_size=130, visibility=Visibility.FOLLOWERS, post_language="cs")


async def _jana(village: Village) -> None:
    await village.settle("jana")
    jana = village.people["jana"]
    async with village.database.write() as tx:
        await change_preferences(tx, Viewer(account=jana, login=await queries.get_login(tx, jana.id)), BEFORE, "en")


async def _own(village: Village) -> Preferences:
    async with village.database.read() as conn:
        return (await queries.get_login(conn, village.people["jana"].id)).preferences


@pytest.mark.parametrize(("form", "changes"), [
    ({}, {"shortcuts": False}),
    ({"visibility": "0", "shortcuts": "true"}, {"visibility": 0}),
    ({"post_language": "", "shortcuts": "true"}, {"post_language": ""}),
    ({"theme": "system", "contrast": "normal", "text_size": "100", "shortcuts": "true"},
     {"theme": "system", "contrast": "normal", "text_size": 100}),
])
async def test_missing_fields_stay_and_zero_is_a_value(village: Village, form: dict[str, str], changes: dict[str, object]) -> None:
    await _jana(village)
    answer = await send(await village.by_browser("jana"), "/settings/appearance", "/settings/appearance", **form)
    assert answer.status == 303
    assert await _own(village) == msgspec.structs.replace(BEFORE, **changes)


@pytest.mark.parametrize("form", [{"text_size": "0"}, {"visibility": "7"}, {"visibility": "x"}, {"theme": ""}, {"language": ""}])
async def test_an_invalid_choice_is_refused_and_changes_nothing(village: Village, form: dict[str, str]) -> None:
    await _jana(village)
    answer = await send(await village.by_browser("jana"), "/settings/appearance", "/settings/appearance", **form)
    assert answer.status == 422
    assert await _own(village) == BEFORE


@pytest.mark.parametrize("uses", ["0", "101", "", "x"])
async def test_an_invitation_with_invalid_uses_is_refused(village: Village, uses: str) -> None:
    await village.settle("jana")
    answer = await send(await village.by_browser("jana"), "/settings/invitations", "/settings/invitations", uses=uses, days="7")
    assert answer.status == 422


async def test_profile_fields_that_are_not_sent_stay_unchanged(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    whole = {"display_name": "Jana z Prahy", "note": "Zahradnice", "field_name_0": "Web", "field_value_0": "example.org"}
    assert (await send(jana, "/settings/profile", "/settings/profile", **whole)).status == 303
    assert (await send(jana, "/settings/profile", "/settings/profile", is_locked="true")).status == 303
    page = (await jana.get("/settings/profile")).text
    assert all(f'value="{value}"' in page or f">{value}</textarea>" in page for value in whole.values())
    assert (await send(jana, "/settings/profile", "/settings/profile", display_name="", note="", field_name_0="")).status == 303
    async with village.database.read() as conn:
        account = await get_account(conn, village.people["jana"].id)
    assert (account.display_name, account.bio, account.fields) == ("", "", ())
