"""The operators' page of copies."""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.network.sessions.model import Role
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.chain import State, write_state
from folkmoot.portability.offsite.coming import Coming, write_coming
from folkmoot.portability.queries import insert_run
from folkmoot.portability.runs import BACKUP, DRILL, Run
from tests.village import Village


async def _page(village: Village) -> str:
    answer = await (await village.by_browser("jana")).get("/moderate/copies")
    assert answer.status == 200
    return answer.text.partition("<main")[2].partition("</main>")[0]


async def test_an_operator_sees_how_old_the_copies_are(village: Village) -> None:
    await village.settle("jana", role=Role.OPERATOR)
    await village.settle("petr")
    assert "There is no copy yet" in await _page(village)
    data, now = DataDirectory(village.settings.data), clock.now()
    (data.path / "offsite").mkdir(parents=True)
    write_state(data, State(chain="x", confirmed_at=now - timedelta(minutes=9), said="The server does not answer."))
    async with village.database.write() as tx:
        await insert_run(tx, Run(
            kind=BACKUP, started_at=now - timedelta(hours=30), seconds=9, repository="rest:https://host:secret@copies.example/x"))
        await insert_run(tx, Run(kind=DRILL, started_at=now, seconds=9, is_good=False, said="a pack is missing", repository="/mnt"))
    page = await _page(village)
    assert "copies.example" in page
    assert "secret" not in page
    for said in ("The server does not answer.", "a pack is missing", "too long ago", "the latest one failed", "late"):
        assert said in page
    assert "on their way" not in page
    write_coming(data, Coming(location="/mnt", snapshots=["a"], files=9, bytes=900, left_files=4, left_bytes=400))
    assert "4 pictures are still on their way here" in await _page(village)
    assert "/moderate/copies" in (await (await village.by_browser("jana")).get("/moderate")).text


async def test_nobody_else_finds_it(village: Village) -> None:
    await village.settle("jana", role=Role.MODERATOR)
    await village.settle("petr")
    for name in ("jana", "petr"):
        assert (await (await village.by_browser(name)).get("/moderate/copies")).status == 404
    assert "/moderate/copies" not in (await (await village.by_browser("jana")).get("/moderate")).text
