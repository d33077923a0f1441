"""The verdict of a jury is computed again from the journal, and whatever was changed is found."""

from pathlib import Path

import pytest

from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.journal.actions import seal
from folkmoot.moderation.juries.replay import Replay, replay_case
from folkmoot.network.accounts.actions import delete_account
from tests.moderation.jury_room import JuryRoom

_EDIT = "UPDATE journal SET facts = replace(facts, {0}, {1}) WHERE kind = '{2}' AND case_id = $1"
# A change, and what the differences say about it.
_CHANGES = [
    (_EDIT.format("'\"violence\",2'", "'\"violence\",1'", "jury.counted"), "does not follow from its answers"),  # each severity
    (_EDIT.format("'\"log_odds\":'", "'\"log_odds\":1'", "jury.counted"), "log_odds"),
    (_EDIT.format("'\"base\":0'", "'\"base\": 0'", "jury.counted"), "in other bytes"),
    (_EDIT.format("'\"count\":'", "'\"account\":'", "jury.counted"), "is no count"),
    (_EDIT.format("'\"action\":\"remove\"'", "'\"action\":\"hide\"'", "verdict.reached"), "The journal says hide"),
    ("UPDATE journal SET case_id = 1 WHERE kind = 'verdict.reached' AND case_id = $1", "no verdict of it"),
    ("UPDATE verdicts SET action = 'hide' WHERE case_id = $1", "The table of verdicts says hide"),
    ("UPDATE verdicts SET undone_at = now() WHERE case_id = $1", "missing in the table"),
    # Changed so that everything else fits: only the hash tells.
    (_EDIT.format("'\"policy\":\"2'", "'\"policy\":\"3'", "jury.counted"), "was changed after it was sealed"),
]


class _RollBack(Exception):
    pass


async def _replay(room: JuryRoom, case: Case) -> Replay:
    async with room.database.read() as conn:
        return await replay_case(conn, case.id)


async def _replay_after(room: JuryRoom, case: Case, sql: str) -> Replay:
    """The replay after a change by the owner of the database, which is rolled back."""
    found = None
    with pytest.raises(_RollBack):
        async with room.database.write() as tx:
            await tx.execute("ALTER TABLE journal DISABLE TRIGGER ALL")
            assert await tx.execute(sql, case.id)
            found = await replay_case(tx, case.id)
            raise _RollBack
    assert found
    return found


async def test_a_verdict_is_computed_again_to_the_same_bytes_and_whatever_was_changed_is_found(room: JuryRoom, tmp_path: Path) -> None:
    _, case = await room.case()
    before = await _replay(room, case)
    assert (before.counts, before.result, before.differences) == (0, None, ())
    await room.form()
    await room.answer_all(case, lambda seat: "violence" if seat.number != 2 else "")
    unsealed = await _replay(room, case)
    assert unsealed.differences == ()
    assert unsealed.unsealed == unsealed.counts + 1
    assert await seal(room.database, b"a secret of the tests", tmp_path / "journal.end")
    found = await _replay(room, case)
    assert (found.differences, found.unsealed) == ((), 0)
    assert found.result
    assert (found.result.action, found.result.clause) == ("remove", "violence")

    for sql, said in _CHANGES:
        differences = (await _replay_after(room, case, sql)).differences
        assert any(said in one for one in differences), (sql, differences)
    only_hash = (await _replay_after(room, case, _CHANGES[-1][0])).differences
    assert all("was changed after it was sealed" in one for one in only_hash)

    jurors = [seat.account_id for seat in await room.seats(case)]
    async with room.database.write() as tx:  # nothing but the journal and the verdict is needed: neither weights, questions nor people
        await tx.execute("INSERT INTO jury_fits VALUES (1, now(), -9000, '{1,1,1,1,1,1}', 1, 1)")
        await tx.execute("INSERT INTO gold_files (published_at, source) VALUES (now(), '')")
        await delete_account(tx, case.account_id)
        for juror_id in jurors:
            await delete_account(tx, juror_id)
    assert await room.seats(case) == []
    assert await _replay(room, case) == found
