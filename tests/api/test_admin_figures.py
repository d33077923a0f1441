"""Figures of Mastodon's admin API: measures, dimensions and retention are counted from our own tables; what nobody knows is left out."""

import platform
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from folkmoot import __version__
from folkmoot.api.admin_shapes import AdminCohort, AdminDimension, AdminMeasure
from folkmoot.base import clock
from folkmoot.network.activity.jobs import record
from folkmoot.network.posts.actions import boost_post
from folkmoot.network.posts.actions.mark import favourite_post
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court
from tests.village import Village, Visitor

BASE = "/api/v1/admin"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)


async def _seen(village: Village, at: datetime, *names: str) -> None:
    async with village.database.write() as tx:
        await tx.execute(
            "UPDATE logins SET seen_at = $1 WHERE account_id = ANY ($2::bigint[])", at, [village.people[name].id for name in names])


async def _measures(app: Visitor, first: datetime, last: datetime, *keys: str, **more: Any) -> dict[str, AdminMeasure]:
    form = {"keys[]": list(keys), "start_at": first.isoformat(), "end_at": f"{last:%Y-%m-%d}", **more}
    answer = await app.post(f"{BASE}/measures", form)
    assert answer.status == 200, answer.text
    return {one.key: one for one in msgspec.json.decode(answer.body, type=list[AdminMeasure])}


def _days(one: AdminMeasure) -> dict[str, str]:
    return {day.date[:10]: day.value for day in one.data if day.value != "0"}


async def test_members_are_counted_as_time_passes_and_what_is_not_known_is_left_out(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await village.settle("moderator", role=Role.MODERATOR)
    app = await village.by_app("moderator", "admin:read")
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET created_at = $1", NOW - 9 * DAY)
        await tx.execute("UPDATE logins SET created_at = $1 WHERE account_id = $2", NOW - DAY, village.people["eva"].id)
    with clock.stopped_at(NOW - 3 * DAY):
        posts = [await village.write("jana"), await village.write("jana")]
        async with village.database.write() as tx:
            await favourite_post(tx, village.people["karel"], posts[0].post.id)
            await boost_post(tx, village.people["karel"], posts[0].post.id)
    await _seen(village, NOW - DAY, "jana", "karel", "eva", "moderator")
    with clock.stopped_at(NOW - DAY):
        await record(village.database)
    await _seen(village, NOW, "jana")
    with clock.stopped_at(NOW):
        await village.write("eva", "Ano", reply_to_id=posts[1].post.id)
        await record(village.database)
        await record(village.database)  # yesterday's visits are replaced by today's: its count does not fall
        week = await _measures(app, NOW - 6 * DAY, NOW, "active_users", "new_users", "interactions", "instance_accounts", "nonsense")
        assert list(week) == ["active_users", "new_users", "interactions"]
        active = week["active_users"]
        assert (active.total, _days(active), active.previous_total) == ("4", {"2026-11-24": "4", "2026-11-25": "1"}, msgspec.UNSET)
        new = week["new_users"]
        assert (new.total, new.previous_total, _days(new), len(new.data)) == ("1", "3", {"2026-11-24": "1"}, 7)
        assert (week["interactions"].total, _days(week["interactions"])) == ("3", {"2026-11-22": "2", "2026-11-25": "1"})
        past = await _measures(app, NOW - DAY, NOW - DAY, "active_users")
        assert (past["active_users"].total, past["active_users"].previous_total) == ("4", msgspec.UNSET)
        assert (await _measures(app, NOW, NOW, "active_users"))["active_users"].previous_total == "4"
        assert await _measures(app, NOW - 2 * DAY, NOW - DAY, "active_users") == {}  # of two days together nobody knows it
        assert await _measures(app, NOW - 300 * DAY, NOW - 290 * DAY, "interactions") == {}


async def test_reports_are_counted_when_they_come_and_when_the_last_case_is_closed(village: Village) -> None:
    court = await Court(village).open()
    with clock.stopped_at(NOW - 8 * DAY):
        one, other = await village.write("author", "první"), await village.write("author", "druhý")
        await court.report("reporter", one, other, clauses=("violence",))
    with clock.stopped_at(NOW - 2 * DAY):
        await court.report("other_reporter", one, clauses=("violence",))
        first, second = sorted(await court.queue(), key=lambda case: case.subject_id != one.post.id)
        await court.decide("moderator", first, "keep")
    app = await village.by_app("moderator", "admin:read")
    both = ("opened_reports", "resolved_reports")
    found = await _measures(app, NOW - 6 * DAY, NOW, *both)
    assert [(found[key].total, found[key].previous_total, _days(found[key])) for key in both] == [
        ("1", "1", {"2026-11-23": "1"}), ("1", "0", {"2026-11-23": "1"})]
    with clock.stopped_at(NOW):
        await court.decide("other_moderator", second, "keep")
    assert _days((await _measures(app, NOW - 6 * DAY, NOW, *both))["resolved_reports"]) == {"2026-11-23": "1", "2026-11-25": "1"}


async def test_hashtags_and_the_most_frequent(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.settle("moderator", role=Role.MODERATOR)
    app = await village.by_app("moderator", "admin:read")
    zvonek = await village.by_app("karel")
    for days, name, text, more in (
        (0, "jana", "#Čaj", {"language": "cs"}), (1, "jana", "#čaj", {"language": "cs"}), (9, "karel", "#ČAJ", {"language": "pl"}),
        (1, "karel", "#čaj tajně", {"visibility": Visibility.FOLLOWERS}), (1, "karel", "#káva", {}),
    ):
        with clock.stopped_at(NOW - days * DAY):
            await village.write(name, text, **more)
    with clock.stopped_at(NOW):
        assert (await zvonek.post("/api/v1/statuses", {"status": "jen tak", "language": "en"})).status == 200
        tag = (await village.nobody().get("/api/v1/tags/caj")).json["id"]
    tags = ("tag_uses", "tag_accounts", "tag_servers")
    found = await _measures(app, NOW - 6 * DAY, NOW, *tags, **{f"{key}[id]": tag for key in tags})
    assert [(found[key].total, found[key].previous_total) for key in tags] == [("2", "1"), ("1", "1"), ("1", "1")]
    assert _days(found["tag_accounts"]) == {"2026-11-24": "1", "2026-11-25": "1"}
    await _seen(village, NOW, "jana", "karel", "moderator")
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET language = 'cs' WHERE account_id <> $1", village.people["karel"].id)

    keys = ["languages", "sources", "servers", "tag_languages", "tag_servers", "space_usage", "software_versions", "instance_languages"]
    answer = await app.post(f"{BASE}/dimensions", {
        "keys[]": keys, "start_at": f"{NOW - 9 * DAY:%Y-%m-%d}", "end_at": f"{NOW:%Y-%m-%d}", "limit": "5", "tag_languages[id]": tag,
        "tag_servers[id]": tag,
    })
    given = {one.key: one.data for one in msgspec.json.decode(answer.body, type=list[AdminDimension])}
    assert list(given) == keys[:-1]
    assert [(one.key, one.human_key, one.value) for one in given["languages"]] == [("cs", "Čeština", "2"), ("en", "English", "1")]
    assert [(one.key, one.value) for one in given["sources"]] == [("web", "5"), ("Zvonek", "1")]
    assert [(one.key, one.value) for one in given["tag_languages"]] == [("cs", "2"), ("pl", "1")]
    assert [one.value for one in (*given["servers"], *given["tag_servers"])] == ["6", "3"]
    assert [one.key for one in given["space_usage"]] == ["postgresql", "media"]
    assert int(given["space_usage"][0].value) > 1_000_000
    assert [one.value for one in given["software_versions"]][:2] == [__version__, platform.python_version()]


async def test_retention_follows_each_cohort_to_its_last_visit(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await village.settle("moderator", role=Role.MODERATOR)
    app = await village.by_app("moderator", "admin:read")
    async with village.database.write() as tx:
        for name, came, seen in (("jana", 2, 0), ("karel", 2, 1), ("eva", 1, 1), ("moderator", 70, 0)):
            await tx.execute("UPDATE logins SET created_at = $2, seen_at = $3 WHERE account_id = $1", village.people[name].id,
                             NOW - came * DAY, NOW - seen * DAY)
    span = {"start_at": f"{NOW - 2 * DAY:%Y-%m-%d}", "end_at": NOW.isoformat()}
    answer = await app.post(f"{BASE}/retention", {**span, "frequency": "day"})
    cohorts = msgspec.json.decode(answer.body, type=list[AdminCohort])
    assert [[(day.value, day.rate) for day in one.data] for one in cohorts] == [
        [("2", 1.0), ("2", 1.0), ("1", 0.5)], [("1", 1.0), ("0", 0.0)], [("0", 0.0)]]
    assert [one.period[:10] for one in cohorts] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    months = await app.post(f"{BASE}/retention", {"start_at": "2026-09-20", "end_at": NOW.isoformat(), "frequency": "month"})
    assert [(one["period"][:10], [day["value"] for day in one["data"]]) for one in months.json] == [
        ("2026-09-01", ["1", "1", "1"]), ("2026-10-01", ["0", "0"]), ("2026-11-01", ["3"])]

    assert (await app.post(f"{BASE}/retention", {"start_at": "2026-09-20"})).json == []
    refused = [
        ("retention", {"start_at": "2020-01-01", "end_at": "2026-01-01"}, 422), ("measures", {**span, "keys[]": "tag_uses"}, 400),
        ("measures", {"keys[]": "new_users"}, 400), ("measures", {**span, "keys[]": "new_users", "end_at": "včera"}, 422),
        ("dimensions", {**span, "keys[]": "servers", "start_at": "0001-01-01"}, 422),
    ]
    for what, form, status in refused:
        assert (await app.post(f"{BASE}/{what}", form)).status == status, (what, form)
    for name, scopes in (("jana", "admin:read"), ("moderator", "admin:read:reports")):
        stranger = await village.by_app(name, scopes)
        for what in ("measures", "dimensions", "retention"):
            assert (await stranger.post(f"{BASE}/{what}", span)).status == 403, (name, what)
