"""A clock that jumps by a day: codes are not valid a day longer than they should be, and members stay logged in.

Tests cannot set the clock of the database; they move the stored times by a day, which has the same effect.
"""

from datetime import timedelta

import pytest

from folkmoot.base import clock, ids
from folkmoot.http.urls import Urls
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.apps import register_app
from tests.village import Village

DAY = timedelta(days=1)


@pytest.mark.parametrize("jump", [timedelta(0), DAY, -DAY], ids=["right", "was ahead", "was behind"])
@pytest.mark.parametrize("kind", ["reset_password", "authorization"])
async def test_a_code_is_not_valid_a_day_longer(village: Village, kind: str, jump: timedelta) -> None:
    [jana] = await village.settle("jana")
    async with village.database.write() as tx:
        if kind == "authorization":
            app = await register_app(tx, "Zvonek", ["app://zpet"], "read")
            await queries.insert_authorization_code(tx, b"code", app.id, jana.id, "app://zpet", "read", "", 60)
            await tx.execute("UPDATE authorization_codes SET expires_at = expires_at + $1", jump)
            found = await queries.take_authorization_code(tx, b"code", app.id)
            is_valid = bool(found and found.is_valid)
        else:
            await queries.insert_one_time_code(tx, b"code", kind, jana.id, "jana@example.org", 3600)
            await tx.execute("UPDATE one_time_codes SET expires_at = expires_at + $1", jump)
            is_valid = await queries.find_owner_of_code(tx, b"code", kind) is not None
            assert is_valid == bool(await queries.take_one_time_code(tx, b"code", kind))
    assert is_valid == (jump == timedelta(0))


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["ahead", "back"])
async def test_members_stay_logged_in_and_can_write_when_the_clock_jumps(village: Village, jump: timedelta) -> None:
    await village.settle("jana")
    jana, app = await village.by_browser("jana"), await village.by_app("jana")
    with clock.stopped_at(clock.now() + jump):
        assert (await jana.get("/")).status == 200
        written = await app.post("/api/v1/statuses", {"status": "Ahoj"})
        assert written.status == 200
        assert (await jana.get("/")).text.count("Ahoj") >= 1
    assert (await jana.get("/")).text.count("Ahoj") >= 1
    assert (await app.get(f"/api/v1/statuses/{written.json['id']}")).status == 200


def test_signed_addresses_still_work_after_the_clock_jumped() -> None:
    """Signed until the end of tomorrow: valid for a day longer when the clock is set back, and never refused too early."""
    urls = Urls("http://localhost", "", b"secret")
    address = urls.picture("key", "image/jpeg", is_open=False)
    until, signature = (part.partition("=")[2] for part in address.partition("?")[2].split("&"))
    for jump, is_good in ((-DAY, True), (timedelta(0), True), (2 * DAY, False)):
        with clock.stopped_at(clock.now() + jump):
            assert urls.is_signed("key", until, signature) == is_good


def test_ids_stay_unique_when_the_clock_jumps_back_and_forth() -> None:
    """Ids are unique by their random part and by the key of their table, not by a monotonic clock."""
    now, made = clock.now(), []
    for jump in (timedelta(0), DAY, timedelta(0), -DAY):
        with clock.stopped_at(now + jump + timedelta(milliseconds=1)):
            made += [ids.make_id(shard) for shard in range(200)]
    assert len(set(made)) >= len(made) - 2  # one in 1,024 of the same moment and shard may collide; the writer retries
