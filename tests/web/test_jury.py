"""The pages of the jury without JavaScript, and the same through the client API."""

import re
from html import unescape

import pytest

from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.jurors.model import QUESTIONS, State
from folkmoot.moderation.jurors.queries import get_training
from tests.moderation.jury_box import JuryBox
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

BASE = "/api/folkmoot/v1/jury"


@pytest.fixture
async def box(village: Village) -> JuryBox:
    made = JuryBox(village)
    await made.settle("jana")
    return made


async def _state(box: JuryBox) -> str:
    record = await box.record("jana")
    return record.state if record else ""


async def _send(visitor: Visitor, to: str, page: str = "/jury", **form: object) -> Answer:
    return await visitor.post(to, {"form_token": form_token((await visitor.get(page)).text), **form})


async def _answer(box: JuryBox, visitor: Visitor, page: str, *, number: str = "") -> Answer:
    """Sends the form of a question; without a number the right answer."""
    attempt, position = (re.search(rf'name="{name}" value="(\d+)"', page) for name in ("attempt", "position"))
    assert attempt
    assert position
    if not number:
        async with box.database.read() as conn:
            asked = (await get_training(conn, box.village.people["jana"].id, int(attempt[1]))).current
        assert asked
        numbers = dict(re.findall(r'name="clause" value="(\d+)".*?<span>([^<]+)', page))
        number = str(current().clause(asked.expected).number) if asked.expected else "0"
        assert number in numbers
    return await visitor.post("/jury/training/answer", {
        "form_token": form_token(page), "attempt": attempt[1], "position": position[1], "clause": number, "sureness": "3",
    })


async def test_a_member_applies_is_trained_pauses_and_leaves(box: JuryBox) -> None:
    jana = await box.village.by_browser("jana")
    assert "Apply" in (await jana.get("/jury")).text
    assert (await _send(jana, "/jury", languages="en", avoided=["cover", "children"])).status == 303
    assert "Begin the training" in (await jana.get("/jury")).text
    assert (await _send(jana, "/jury/training")).headers["location"] == "/jury/training"
    for position in range(1, QUESTIONS + 1):
        page = (await jana.get("/jury/training")).text
        assert f"Question {position} of {QUESTIONS}" in page
        assert "checked" not in re.search(r'<fieldset class="answers".*?</fieldset>', page, re.S)[0]  # type: ignore[index]
        answered = await _answer(box, jana, page)
        explained = (await jana.get(answered.headers["location"])).text
        assert "We agree." in explained
        assert ("Next question" in explained) is (position < QUESTIONS)
    assert "You are a juror." in (await jana.get("/jury")).text
    assert (await jana.get("/jury/training")).headers["location"] == "/jury"
    assert (await _send(jana, "/jury/pause")).status == 303
    assert "You are having a break." in (await jana.get("/jury")).text
    assert (await _send(jana, "/jury/resume")).status == 303
    assert (await _send(jana, "/jury/choices", languages="cs", another="sk", without_pictures="true")).status == 303
    record = await box.record("jana")
    assert record
    assert (record.choices.languages, record.choices.avoided, record.choices.without_pictures) == (("cs", "sk"), (), True)
    assert (await _send(jana, "/jury/leave")).headers["location"] == "/jury?left=1"
    assert "You have left the jury." in (await jana.get("/jury?left=1")).text
    assert await _state(box) == State.LEFT


async def test_a_wrong_answer_is_explained_and_going_back_changes_nothing(box: JuryBox) -> None:
    jana = await box.village.by_browser("jana")
    await box.apply("jana")
    begun = await box.begin("jana")
    page = (await jana.get("/jury/training")).text
    refused = await jana.post("/jury/training/answer", {"form_token": form_token(page), "attempt": "1", "position": "1", "sureness": "3"})
    assert (refused.status, "Choose a rule" in unescape(refused.text)) == (422, True)
    assert re.search(r'value="3" checked', refused.text)
    unsure = await jana.post("/jury/training/answer", {"form_token": form_token(page), "attempt": "1", "position": "1", "unsure": "true"})
    assert "That is an answer too." in (await jana.get(unsure.headers["location"])).text
    again = await _answer(box, jana, page, number="0")  # the page that "back" shows
    assert again.headers["location"] == "/jury/training"
    page = (await jana.get("/jury/training")).text
    wrong = await _answer(box, jana, page, number="8" if begun.asked[1].expected != "law" else "7")
    assert "We see it differently." in (await jana.get(wrong.headers["location"])).text
    assert "Question 3 of" in (await jana.get("/jury/training?after=9")).text


async def test_who_cannot_apply_reads_why_and_from_when_on(box: JuryBox) -> None:
    await box.village.settle("eva")  # today
    eva, jana = await box.village.by_browser("eva"), await box.village.by_browser("jana")
    page = (await eva.get("/jury")).text
    assert "14 days old" in page
    assert 'action="/jury"' not in page
    refused = await eva.post("/jury", {"form_token": form_token(page), "languages": "en"})
    assert (refused.status, "14 days old" in refused.text) == (403, True)
    nothing = await _send(jana, "/jury", avoided="cover")
    assert (nothing.status, "Choose at least one language" in nothing.text) == (422, True)
    assert re.search(r'value="cover" checked', nothing.text)
    assert (await jana.get("/jury/training")).headers["location"] == "/jury"
    assert (await _send(jana, "/jury/training/answer")).status == 404
    assert (await box.village.nobody().get("/jury")).status in (303, 401)


async def test_an_app_does_the_same(box: JuryBox) -> None:
    jana = await box.village.by_app("jana", "read jury")
    assert (await jana.get(BASE)).json["state"] == "none"
    assert (await jana.post(f"{BASE}/training")).status == 404
    refused = await jana.send("POST", BASE, as_json={"languages": ["en"], "avoided": ["77"]})
    assert refused.status == 422
    applied = await jana.send("POST", BASE, as_json={"languages": ["en"], "avoided": ["5"], "without_pictures": True})
    assert (applied.json["state"], applied.json["avoided"], applied.json["obstacle"]) == ("applied", ["5"], "")
    assert (await jana.send("POST", BASE, as_json={"languages": ["en"]})).status == 409
    found = (await jana.post(f"{BASE}/training")).json
    assert (found["length"], found["is_passed"], found["answered"]) == (QUESTIONS, False, [])
    assert (await jana.get(f"{BASE}/training")).json == found
    for bad in ({"rule": "77"}, {"rule": "-1"}, {"rule": "0", "sureness": 4}):
        assert (await jana.send("POST", f"{BASE}/training/answers", as_json={"attempt": 1, "position": 1, **bad})).status == 422
    for position in range(1, QUESTIONS + 1):
        question = found["question"]
        assert question["position"] == position
        assert not {"expected", "why"} & set(question)
        rule = "" if position == 1 else (await _expected(box))
        sent = {"attempt": question["attempt"], "position": position, "rule": rule, "sureness": 2}
        found = (await jana.send("POST", f"{BASE}/training/answers", as_json=sent)).json
        assert found["answered"][-1]["answer"] == (rule or None)
        assert found["answered"][-1]["why"]
    assert (found["question"], found["is_passed"], found["right"]) == (None, True, QUESTIONS - 1)
    assert [(await jana.post(f"{BASE}/{verb}")).json["state"] for verb in ("pause", "resume")] == ["paused", "juror"]
    assert (await jana.send("PUT", BASE, as_json={"languages": ["cs"]})).json["languages"] == ["cs"]
    assert (await jana.send("DELETE", BASE)).status == 200
    assert (await jana.get(BASE)).json["state"] == "none"


async def _expected(box: JuryBox) -> str:
    async with box.database.read() as conn:
        asked = (await get_training(conn, box.village.people["jana"].id, 1)).current
    assert asked
    return str(current().clause(asked.expected).number) if asked.expected else "0"
