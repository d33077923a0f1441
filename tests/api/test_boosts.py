"""Acts by the id of a boost, deleting a boost, and the source of a status."""

from typing import Any

from folkmoot.network.posts.model import Visibility
from tests.village import Village, Visitor


async def _boosted(village: Village) -> tuple[Visitor, str, str]:
    """Karel's client, the id of Jana's status with a thread around it, and the id of Eva's boost of it."""
    await village.settle("jana", "karel", "eva")
    first = (await village.write("jana", "Začátek")).post
    post = (await village.write("jana", "Prostředek", reply_to_id=first.id)).post
    await village.write("karel", "Konec", reply_to_id=post.id)
    boost = (await (await village.by_app("eva")).post(f"/api/v1/statuses/{post.id}/reblog")).json
    return await village.by_app("karel"), str(post.id), boost["id"]


def _ids(statuses: list[Any]) -> list[str]:
    return [status["id"] for status in statuses]


async def test_acts_by_the_id_of_a_boost_concern_the_boosted_status(village: Village) -> None:
    karel, post, boost = await _boosted(village)
    for verb, flag in (("favourite", "favourited"), ("bookmark", "bookmarked"), ("mute", "muted")):
        assert (await karel.post(f"/api/v1/statuses/{boost}/{verb}")).json["id"] == post
        assert (await karel.get(f"/api/v1/statuses/{post}")).json[flag] is True
        assert (await karel.post(f"/api/v1/statuses/{boost}/un{verb}")).json[flag] is False
    again = (await karel.post(f"/api/v1/statuses/{boost}/reblog")).json
    assert again["reblog"]["id"] == post
    assert (await karel.post(f"/api/v1/statuses/{boost}/unreblog")).json["reblogged"] is False
    reply = (await karel.post("/api/v1/statuses", {"status": "@jana ano", "in_reply_to_id": boost})).json
    assert reply["in_reply_to_id"] == post
    await karel.post(f"/api/v1/statuses/{post}/favourite")
    for path in ("favourited_by", "reblogged_by", "history", "source", "context"):
        by_boost, by_post = [(await karel.get(f"/api/v1/statuses/{id_}/{path}")).json for id_ in (boost, post)]
        assert by_boost == by_post, path
        assert by_post


async def test_the_context_of_a_boost_is_that_of_the_boosted_status(village: Village) -> None:
    karel, post, boost = await _boosted(village)
    found = (await karel.get(f"/api/v1/statuses/{boost}/context")).json
    assert [status["content"] for status in found["ancestors"] + found["descendants"]] == ["<p>Začátek</p>", "<p>Konec</p>"]
    assert (await karel.get(f"/api/v1/statuses/{boost}")).json["reblog"]["id"] == post
    await (await village.by_app("eva")).post(f"/api/v1/accounts/{village.people['karel'].id}/block")
    hidden, absent = [await karel.get(f"/api/v1/statuses/{id_}/context") for id_ in (boost, "12")]
    assert (hidden.status, hidden.body) == (absent.status, absent.body)
    assert hidden.status == 404


async def test_a_boost_can_be_deleted_by_its_id(village: Village) -> None:
    karel, post, boost = await _boosted(village)
    eva = await village.by_app("eva")
    assert (await karel.send("DELETE", f"/api/v1/statuses/{boost}")).status == 404
    deleted = (await eva.send("DELETE", f"/api/v1/statuses/{boost}")).json
    assert (deleted["id"], deleted["reblog"]["id"], deleted["text"]) == (boost, post, "")
    assert (await eva.send("DELETE", f"/api/v1/statuses/{boost}")).status == 404
    assert (await eva.get(f"/api/v1/statuses/{boost}")).status == 404
    assert (await eva.get(f"/api/v1/statuses/{post}")).json["reblogged"] is False
    assert _ids((await karel.get(f"/api/v1/accounts/{village.people['eva'].id}/statuses")).json) == []


async def test_a_boost_of_a_status_that_is_not_visible_any_more_can_be_deleted(village: Village) -> None:
    _, post, boost = await _boosted(village)
    eva = await village.by_app("eva")
    await (await village.by_app("jana")).post(f"/api/v1/accounts/{village.people['eva'].id}/block")
    deleted = await eva.send("DELETE", f"/api/v1/statuses/{boost}")
    assert (deleted.status, deleted.json["id"], deleted.json["reblog"]["id"]) == (200, boost, post)
    assert "Prostředek" not in deleted.text


async def test_the_source_is_there_for_whoever_sees_the_status(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    shown = (await jana.post("/api/v1/statuses", {"status": "*Ahoj* & vítej", "spoiler_text": "Pozor"})).json["id"]
    hidden = (await village.write("jana", "Jen pro své", visibility=Visibility.FOLLOWERS)).post.id
    for visitor in (jana, karel):
        assert (await visitor.get(f"/api/v1/statuses/{shown}/source")).json == {
            "id": shown, "text": "*Ahoj* & vítej", "spoiler_text": "Pozor"}
    assert (await jana.get(f"/api/v1/statuses/{hidden}/source")).status == 200
    assert (await karel.get(f"/api/v1/statuses/{hidden}/source")).status == 404
    assert (await village.nobody().get(f"/api/v1/statuses/{shown}/source")).status == 401
