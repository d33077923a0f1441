"""Rings are found in the stored answers, and operators see them with the evidence; looking is recorded."""

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.moderation.juries.actions.rings import KEPT, MOST_SHOWN, find_rings
from folkmoot.moderation.juries.queries.rings import list_rings
from folkmoot.moderation.jurors.exclusion import exclude
from folkmoot.moderation.jury import trial
from folkmoot.moderation.jury.model import Answer, Camp
from folkmoot.moderation.jury.synthetic import World
from tests.moderation.court import Court
from tests.moderation.jury_room import JuryRoom
from tests.series import is_long
from tests.village import Village
from tests.web.test_pages import form_token

_WORLD = World(jurors=24, cases=300, authors=100, instructed=6, bad_faith=0.0)
_RING = msgspec.structs.replace(_WORLD, cases=600)
_HONEST = World(jurors=24, cases=600, authors=100, bad_faith=0.0)
_ON_NEUTRAL = World(jurors=24, cases=600, authors=100, instructed=6, bad_faith=0.0, ring_share=1.0, is_ring_on_neutral=True)
_CAMPS = World(jurors=24, cases=600, authors=100, bad_faith=0.3)
_AUTHORS = {Camp(0): "reader", Camp(1): "other_reporter", None: "author"}  # of cases, by the side that the positions tell
BASE = "/api/folkmoot/v1/moderation/rings"


@pytest.fixture
async def room(village: Village) -> JuryRoom:
    made = JuryRoom(await Court(village).open())
    await made.open(_WORLD.jurors)
    async with made.database.write() as tx:
        await tx.execute("UPDATE logins SET role = 'operator' WHERE account_id = $1", village.people["moderator"].id)
    return made


async def _store(room: JuryRoom, world: World, seed: int = 1) -> None:
    """Stores the answers of a synthetic world: its jurors 1, 2 … are those of the room."""
    run = trial.run(world, "folkmoot", seed)
    _, case = await room.case()
    columns = await room._columns("cases")
    people = dict(enumerate(room.ids, 1))
    votes = [one for one in run.votes if run.cases[one.case_id].truth is None]
    gold = [one for one in run.votes if run.cases[one.case_id].truth is not None]
    values = {"id": "case_id", "subject_id": "case_id", "account_id": "author_id", "state": "'decided'"}
    numbers = sorted({one.case_id for one in votes})
    authors = {side: room.village.people[name].id for side, name in _AUTHORS.items()}
    async with room.database.write() as tx:
        await tx.execute(
            f"INSERT INTO cases ({', '.join(columns)}) SELECT {', '.join(values.get(name, name) for name in columns)}"
            " FROM cases,"
            " unnest($2::bigint[], $3::bigint[]) AS one (case_id, author_id) WHERE id = $1", case.id, numbers,
            [authors[run.cases[number].side] for number in numbers],
        )
        await tx.execute(
            "INSERT INTO camp_positions VALUES ($1, -1), ($2, 1) ON CONFLICT DO NOTHING", authors[Camp(0)], authors[Camp(1)]
        )
        await tx.execute(
            "INSERT INTO juries (case_id, state, formed_at, closed_at) SELECT case_id, 'decided', now(), now()"
            " FROM unnest($1::bigint[]) AS case_id", numbers,
        )
        await tx.executemany(
            "INSERT INTO jury_seats (id, case_id, number, account_id, camp, state, drawn_at, until, answer, answered_at)"
            " VALUES ($1, $2, $1::bigint, $3, $4, 'answered', now(), now(), $5, now())",
            [(number, one.case_id, people[one.juror_id], run.camps[one.juror_id], one.answer) for number, one in enumerate(votes, 1)],
        )
        await tx.executemany(
            "INSERT INTO gold_answers (account_id, attempt, position, question, language, expected, answer, answered_at)"
            " VALUES ($1, 1, $2, $3, 'en', $4, $5, now())",
            [
                (people[one.juror_id], number, f"q{one.case_id}", "violence" if run.cases[one.case_id].truth else "",
                 {Answer.BREACH: "violence", Answer.HARMLESS: "", Answer.UNSURE: None}[one.answer])
                for number, one in enumerate(gold, 1)
            ],
        )


async def _search(room: JuryRoom) -> int:
    return await find_rings(room.database, room.juries.halves)


async def _told(room: JuryRoom) -> list[tuple[int, int]]:
    """(account, ring) of the notifications, of which each operator has also got one mail, which names nobody."""
    async with room.database.read() as conn:
        rows = await conn.fetch("SELECT account_id, reference_id FROM notifications WHERE kind = 'ring' ORDER BY id")
        mails = [row["payload"].decode() for row in await conn.fetch("SELECT payload FROM jobs WHERE name = 'sessions.send_mail'")]
    mails = [mail for mail in mails if '"ring"' in mail]
    assert len(mails) == len(rows)
    assert all("/moderate/rings" in mail and "juror" not in mail for mail in mails)
    return [(row["account_id"], row["reference_id"]) for row in rows]


@pytest.mark.slow
async def test_a_ring_is_found_shown_to_operators_with_the_evidence_and_gone_once_it_is_excluded(room: JuryRoom) -> None:
    await _store(room, _WORLD)
    assert await _search(room) == 1
    told = room.ids[-_WORLD.instructed:]
    async with room.database.read() as conn:
        ring, = await list_rings(conn)
        members = {row["account_id"] for row in await conn.fetch("SELECT account_id FROM jury_ring_members")}
    assert (ring.members, ring.active) == (len(members), len(members))
    assert len(members & set(told)) >= 5
    assert len(members - set(told)) <= 1
    await room.village.follow("juror22", "juror23")
    await room.village.follow("juror23", "juror22")

    operator_id = room.village.people["moderator"].id
    assert await _told(room) == [(operator_id, ring.id)]
    page = await (visitor := await room.village.by_browser("moderator")).get("/moderate/rings")
    assert "juror23" not in page.text
    shown = await visitor.post(f"/moderate/rings/{ring.id}", {"form_token": form_token(page.text)})
    assert "@juror23" in shown.text
    api = await room.village.by_app("moderator", "admin:read admin:write")
    listed, = (await api.get(BASE)).json
    assert (listed["id"], listed["members"]) == (str(ring.id), len(members))
    found = (await api.post(f"{BASE}/{ring.id}")).json
    assert {int(one["id"]) for one in found["people"]} == members
    assert [str(room.village.people[name].id) for name in ("juror22", "juror23")] in found["bonds"]
    async with room.database.read() as conn:
        answers = {(row["case_id"], row["account_id"]): row["answer"] for row in await conn.fetch("SELECT * FROM jury_seats")}
        opened = await conn.fetch("SELECT actor_id, facts FROM journal WHERE kind = 'ring.opened'")
    assert len(found["shared"]) == min(ring.cases, MOST_SHOWN)
    for one in found["shared"]:
        assert len(one["answers"]) >= 2
        for account_id, said in one["answers"].items():
            assert answers[int(one["id"]), int(account_id)] == (said == "breach")
    assert [row["actor_id"] for row in opened] == [room.village.people["moderator"].id] * 2
    assert not any(str(account_id) in row["facts"] for row in opened for account_id in members)

    assert await _search(room) == 1
    async with room.database.read() as conn:
        again, = await list_rings(conn)
    assert (again.id, again.found_at) == (ring.id, ring.found_at), "the same one, confirmed"
    assert again.confirmed_at > ring.confirmed_at
    assert await _told(room) == [(operator_id, ring.id)], "once, and nobody but operators"
    operator = await room.court.viewer("moderator")
    async with room.database.write() as tx:
        for account_id in members:
            await exclude(tx, operator, account_id, "Domluvené odpovědi.")
    assert await _search(room) == 0
    with clock.stopped_at(clock.now() + KEPT):
        await _search(room)
    async with room.database.read() as conn:
        assert not await list_rings(conn)


@pytest.mark.slow
async def test_a_ring_about_authors_of_neither_camp_is_shown_with_their_cases(room: JuryRoom) -> None:
    await _store(room, _ON_NEUTRAL)
    assert await _search(room) == 1
    operator = await room.village.by_app("moderator", "admin:read admin:write")
    listed, = (await operator.get(BASE)).json
    found = (await operator.post(f"{BASE}/{listed['id']}")).json
    assert found["ring"]["about"] == "neither"
    assert {int(one["id"]) for one in found["people"]} <= set(room.ids[-_ON_NEUTRAL.instructed:])
    async with room.database.read() as conn:
        authors = await conn.fetch(
            "SELECT DISTINCT account_id FROM cases WHERE id = ANY ($1::bigint[])", [int(one["id"]) for one in found["shared"]]
        )
    assert [row["account_id"] for row in authors] == [room.village.people["author"].id]
    assert len(found["shared"]) == min(found["ring"]["cases"], MOST_SHOWN)
    page = await (await room.village.by_browser("moderator")).get("/moderate/rings")
    assert "cases of authors who are close to neither camp" in page.text


async def test_jurors_who_answer_by_themselves_are_named_to_nobody(room: JuryRoom) -> None:
    await _store(room, World(jurors=24, cases=200, authors=100, bad_faith=0.0))
    assert await _search(room) == 0
    async with room.database.write() as tx:
        await tx.execute("DELETE FROM jury_seats")
    assert await _search(room) == 0
    moderator = await room.village.by_app("other_moderator", "admin:read admin:write")
    assert (await moderator.get(BASE)).status == 403
    assert (await moderator.post(f"{BASE}/1")).status == 403
    operator = await room.village.by_app("moderator", "admin:read admin:write")
    assert (await operator.post(f"{BASE}/1")).status == 404
    async with room.database.read() as conn:
        assert not await conn.fetchval("SELECT count(*) FROM journal WHERE kind = 'ring.opened'")


@pytest.mark.skipif(not is_long(), reason="a hundred searches take minutes")
async def test_nine_rings_of_six_in_ten_are_found_in_stored_answers_and_nobody_else_is_named(room: JuryRoom) -> None:
    """In 600 cases. Without a ring jurors answer by themselves, in half of the runs three in ten for their camp."""
    told = set(room.ids[-_RING.instructed:])
    found = beside = false = 0
    for seed in range(30):
        members = await _named(room, _RING, seed)
        found += len(members & told) >= 5
        beside += len(members - told)
    for seed in range(70):
        false += bool(await _named(room, _CAMPS if seed % 2 else _HONEST, seed))
    assert (found >= 27, beside <= 3, false <= 1) == (True, True, True), (found, beside, false)


async def _named(room: JuryRoom, world: World, seed: int) -> set[int]:
    """Whom a search names that knows nothing but these answers."""
    async with room.database.write() as tx:
        for table in ("jury_rings", "jury_seats", "juries", "gold_answers"):
            await tx.execute(f"DELETE FROM {table}")
        await tx.execute("DELETE FROM cases WHERE id < 1000000")
    await _store(room, world, seed)
    await _search(room)
    async with room.database.read() as conn:
        return {row["account_id"] for row in await conn.fetch("SELECT account_id FROM jury_ring_members")}
