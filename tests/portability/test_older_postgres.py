"""A database of an older PostgreSQL than the newest one here: its copies are restored, and its standbys made, by the same version."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import STANDBY, HostState
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.offsite import finding
from folkmoot.portability.offsite.recovery import recovered
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import available_majors, find_binaries, find_binaries_of
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.standby import joining, seeding
from folkmoot.portability.standby.answers import Answers
from folkmoot.portability.standby.model import Facts, Nothing
from folkmoot.portability.standby.seeding import SeedingProblem
from folkmoot.portability.standby.sharing import install_secrets
from tests.conftest import UNSAFE_BUT_FAST
from tests.portability.copied import Copied, running_copy
from tests.portability.test_seeding import PEER

_MAJORS = available_majors()
OLDER = min(_MAJORS)
if len(_MAJORS) < 2:
    pytest.skip("this machine has one PostgreSQL only", allow_module_level=True)


@pytest.fixture(scope="module")
def copied() -> Iterator[Copied]:
    with running_copy(binaries=find_binaries_of(OLDER)) as built:
        built.execute("CREATE TABLE written (id int PRIMARY KEY)", "INSERT INTO written SELECT generate_series(1, 100)")
        yield built


async def _ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def test_a_continuous_copy_is_restored_by_the_version_that_wrote_it(
    copied: Copied, open_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    copied.base()
    copied.execute("INSERT INTO written VALUES (101)")
    copied.push()
    chain = copied.chain()
    assert chain
    assert (chain.manifest.postgresql, find_binaries().major) == (OLDER, max(_MAJORS))
    owner, stage = DataDirectory(open_folder), open_folder / "stage"
    stage.mkdir()
    owner.set_owner(stage)
    with recovered(chain, stage, owner, NoProgress()) as (_, postgres):
        found = asyncio.run(_ask(postgres.dsn, "SELECT count(*) || ' ' || current_setting('server_version_num')::int / 10000 FROM written"))
    assert found == f"101 {OLDER}"
    monkeypatch.setattr(finding, "available_majors", lambda: _MAJORS - {OLDER})
    assert copied.chain() is None
    assert f"it needs PostgreSQL {OLDER}" in caplog.text  # a restore takes an older dump then, and says why


def test_a_standby_runs_the_version_of_its_primary(copied: Copied, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    primary, standby = copied.source.data, DataDirectory(open_folder / "standby")
    Peers(primary).add(PEER)
    answers = Answers(Settings(data=primary.path, dsn=copied.postgres.dsn, secret=b"s" * 40), primary, Peers(primary))
    standby.prepare(HostState(role=STANDBY))
    facts = asyncio.run(answers.describe(Nothing()))
    assert facts.postgresql == OLDER

    async def ask(*_: object) -> Facts:
        return facts

    monkeypatch.setattr(joining, "ask_primary", ask)
    assert asyncio.run(joining.describe(standby, lambda: pytest.fail("asked twice"))) == facts
    prepared = asyncio.run(answers.prepare(Nothing()))
    install_secrets(standby, prepared.secrets)
    monkeypatch.setattr(joining, "_prepare", lambda *_: prepared)
    joining.copy_database(standby, lambda: pytest.fail("asked twice"), copied.postgres.socket_folder, facts, NoProgress())
    assert (standby.path / "postgres" / "PG_VERSION").read_text().strip() == str(OLDER)
    server = Postgres(standby, configuration=UNSAFE_BUT_FAST)
    server.start()
    try:
        assert asyncio.run(_ask(server.dsn, "SELECT pg_is_in_recovery() AND count(*) >= 100 FROM written")) is True
    finally:
        server.stop()
    monkeypatch.setattr(seeding, "available_majors", lambda: _MAJORS - {OLDER})
    with pytest.raises(SeedingProblem) as caught:
        asyncio.run(joining.describe(standby, lambda: pytest.fail("asked twice")))
    assert f"PostgreSQL {OLDER}, which this host does not have" in caught.value.message % caught.value.params


