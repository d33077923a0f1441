"""Polls through the client API: errors in the words that apps know, further votes, edits."""

from typing import Any

import pytest

from tests.village import Village, Visitor


async def _ask(visitor: Visitor, *options: str, **poll: Any) -> Any:
    fields = {f"poll[{name}]": value for name, value in poll.items()}
    return (await visitor.post("/api/v1/statuses", {"status": "?", "poll[options][]": options, "poll[expires_in]": 600, **fields})).json


async def _refusal(visitor: Visitor, poll_id: str, *choices: int) -> str:
    answer = await visitor.post(f"/api/v1/polls/{poll_id}/votes", {"choices[]": choices})
    assert answer.status == 422, answer.body
    return str(answer.json["error"])


async def test_votes_are_refused_in_the_words_that_apps_know(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    jana, karel, eva = [await village.by_app(name) for name in ("jana", "karel", "eva")]
    poll = (await _ask(jana, "ano", "ne"))["poll"]["id"]
    assert await _refusal(jana, poll, 0) == "Validation failed: You cannot vote in your own polls"
    assert await _refusal(karel, poll, 7) == "Validation failed: The chosen vote option does not exist"
    assert await _refusal(karel, poll, 0, 1) == "Validation failed: You have already voted on this poll"
    assert (await karel.post(f"/api/v1/polls/{poll}/votes", {"choices[]": [0]})).json["own_votes"] == [0]
    for choice in (0, 1):
        assert await _refusal(karel, poll, choice) == "Validation failed: You have already voted on this poll"
    async with village.database.write() as tx:
        await tx.execute("UPDATE polls SET expires_at = now() - interval '1 second'")
    assert await _refusal(eva, poll, 0) == "Validation failed: The poll has already ended"


async def test_a_further_answer_is_added_after_the_earlier_ones(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    poll = (await _ask(jana, "a", "b", "c", multiple="true"))["poll"]["id"]
    for choices, own in (([2], [2]), ([0], [2, 0])):
        answer = (await karel.post(f"/api/v1/polls/{poll}/votes", {"choices[]": choices})).json
        assert (answer["voted"], answer["own_votes"], answer["voters_count"]) == (True, own, 1)
    assert await _refusal(karel, poll, 2) == "Validation failed: You have already voted on this poll"


@pytest.mark.parametrize(("options", "seconds", "error"), [
    (["a"], 600, "Choices must have more than one item"),
    (["a", " "], 600, "Choices must have more than one item"),
    (["a", "b", "c", "d", "e"], 600, "Choices can't contain more than 4 items"),
    (["a", "b" * 51], 600, "Choices cannot be longer than 50 characters each"),
    (["a", "b", "a"], 600, "Choices contain duplicate items"),
    (["a", "b"], 30, "Deadline is too soon"),
    (["a", "b"], "", "Deadline is too soon"),
    (["a", "b"], 90_000_000, "Deadline is too far into the future"),
])
async def test_a_faulty_poll_is_refused_in_the_words_that_apps_know(village: Village, options: list[str], seconds: Any, error: str) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    answer = await jana.post("/api/v1/statuses", {"status": "?", "poll[options][]": options, "poll[expires_in]": seconds})
    assert (answer.status, answer.json["error"]) == (422, f"Validation failed: {error}")


async def test_a_corrected_typo_leaves_the_poll(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    status = await _ask(jana, "ano", "ne", hide_totals="true")
    await karel.post(f"/api/v1/polls/{status['poll']['id']}/votes", {"choices[]": [1]})
    before = (await karel.get(f"/api/v1/polls/{status['poll']['id']}")).json
    for changes in ({"poll[expires_in]": 86400}, {}):
        edited = await jana.send("PUT", f"/api/v1/statuses/{status['id']}", {"status": "??", "poll[options][]": ["ano", "ne"], **changes})
        assert edited.status == 200
        assert edited.json["content"] == "<p>??</p>"
        assert (await karel.get(f"/api/v1/polls/{status['poll']['id']}")).json == before
