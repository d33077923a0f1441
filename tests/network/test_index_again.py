"""After an upgrade the words for search and the hashtags of earlier posts are made as those of new ones."""

from pathlib import Path

import asyncpg
import pytest

import folkmoot
from folkmoot.network.accounts import jobs as accounts
from folkmoot.network.posts import jobs as posts
from tests.api.test_words import _post
from tests.village import Village

MIGRATION = Path(folkmoot.__file__).parent / "migrations" / "0032_words_of_search.sql"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.network.posts.jobs._STEP", 2)
    monkeypatch.setattr("folkmoot.network.accounts.jobs._STEP", 2)


async def test_earlier_posts_and_accounts_are_found_like_new_ones(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    jana = await village.by_app("jana")
    await jana.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": "Þóra がく"})
    ids = [(await _post(jana, f"{text} #ที่นี่ #Æro")).json["id"] for text in ("हिन्दी", "がっこう", "plain", "שָׁלוֹם", "last")]
    message = (await _post(jana, "@karel #ที่นี่", visibility="direct")).json["id"]
    await village.work()
    state = (
        "SELECT (SELECT array_agg((id, search::text, hashtags, version) ORDER BY id) FROM posts),"
        " (SELECT array_agg((key, post_id) ORDER BY key, post_id) FROM post_hashtags),"
        " (SELECT array_agg((id, search::text, version) ORDER BY id) FROM accounts)"
    )
    async with village.database.write() as tx:
        new = await tx.fetchrow(state)
        # As an earlier release stored them: cut at marks, and `Æ` not folded.
        await tx.execute("UPDATE posts SET search = array_to_tsvector(ARRAY['ह', 'न']) WHERE search IS NOT NULL")
        await tx.execute("UPDATE posts SET hashtags = ARRAY['ท', 'æro']")
        await tx.execute("UPDATE accounts SET search = array_to_tsvector(ARRAY['þora'])")
        await tx.execute("DELETE FROM post_hashtags")
        await tx.execute("INSERT INTO post_hashtags SELECT key, id FROM posts, unnest(hashtags) AS key")
        assert await tx.fetchrow(state) != new
        tx.enqueue(posts.INDEX_JOB, posts.IndexAgain())
        tx.enqueue(accounts.INDEX_JOB, accounts.IndexAgain())
    await village.work()
    async with village.database.read() as conn:
        assert await conn.fetchrow(state) == new
    assert [one["id"] for one in (await jana.get("/api/v1/timelines/tag/ที่นี่")).json] == ids[::-1]
    assert message not in ids


async def test_the_migration_enqueues_the_jobs_of_a_network_with_accounts(village: Village) -> None:
    sql = MIGRATION.read_text("utf-8")
    connection = await asyncpg.connect(village.settings.dsn)
    try:
        await connection.execute("DELETE FROM jobs")
        await connection.execute(sql)
        assert await connection.fetchval("SELECT count(*) FROM jobs") == 0
        await village.settle("jana")
        await connection.execute(sql)
        await connection.execute("UPDATE jobs SET due_at = now()")
        assert {row["name"] for row in await connection.fetch("SELECT name FROM jobs")} >= {posts.INDEX_JOB, accounts.INDEX_JOB}
        await village.work()
        assert await connection.fetchval("SELECT count(*) FROM jobs WHERE parked_at IS NOT NULL OR name LIKE '%.index_again'") == 0
    finally:
        await connection.close()
