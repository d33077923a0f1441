"""Rules for SQL: which files may contain it, which tables it may write, and no bare numbers for effects and the like.

Each rule is a function that is also tested with good and bad examples, so that a rule that finds nothing is noticed.
An exception that is no longer needed fails.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import pytest

from tests.architecture.sql import CODE, Sql, find_sql, schema_tables, sql_of_code, tables_written

# Files outside the `queries` of a noun that may contain SQL.
HOLDS_SQL = {
    "base/commits.py": "the statement that ends every transaction",
    "base/db.py": "the statements around every transaction",
    "base/database_facts.py": "facts for operators about the database itself",
    "base/queue/enqueue.py": "writes events and jobs within the transaction that needs them",
    "base/queue/queries.py": "the queue",
    "base/queue/timed_queries.py": "the timed jobs, and deleting old events",
    "base/live.py": "NOTIFY",
    "base/migrate.py": "the table of migrations, which exists before any noun",
    "base/write_gate.py": "the gate's lock",
    "network/counters.py": "deltas of counts, shared by relations and posts",
    "network/folding.py": "folds deltas into the totals, and reads posts for it",
    "network/posts/visibility.py": "the one rule of visibility, a predicate for the statements of all nouns",
    "network/timelines/rules.py": "the one home rule and the one public rule, predicates for the statements of timelines",
    "portability/postgres.py": "creates the database",
    "portability/restore.py": "sets the epoch of the restored host before any process runs",
    "portability/moving/queries.py": "the state of a host that moves, its promotion, and the record of the move",
    "portability/logical/queries.py": "copying to a server of another version",
    "portability/failover/queries.py": "what a failover would lose, and the rows that only the old host has",
    "portability/queries.py": "when backups and drills ran, contents of the database, and its host state",
    "portability/hosts/queries.py": "the replication slots of the other host",
    "portability/standby/queries.py": "role, slot and state of replication, and the files that a standby must have",
    "portability/offsite/queries.py": "positions in the write-ahead log, and what must not come back with it",
    "portability/tables.py": "checksums of whole tables, whatever noun owns them",
    "base/database_health.py": "the state of the server",
    "commands/checks/database.py": "advice to operators, which they run themselves",
}

# Every table has one owner: a noun or another part of the code.
OWNERS = {
    "base": "host_state events jobs timed_jobs migrations pgqueuer pgqueuer_log pgqueuer_schedules pgqueuer_statistics",
    "portability": "backup_runs moves",
    "accounts": "accounts account_counts former_names",
    "sessions": "logins sessions one_time_codes invitations apps authorization_codes tokens rate_buckets rate_windows",
    "relations": "follows followers ended_follows follow_requests mutes blocks account_notes pulled_authors",
    "media": "media media_files", "recordings": "recordings", "privacy": "privacy_policies",
    "posts": "posts deleted_posts post_counts post_edits polls poll_votes marks muted_conversations favourites bookmarks mentions hashtags"
    " post_hashtags idempotency_keys quotes",
    "counters": "counter_deltas",
    "timelines": "homes home_entries",
    "notifications": "notifications markers notification_policies notification_requests filtered_notifications",
    "conversations": "conversations",
    "web_push": "web_push_subscriptions",
    "activity": "daily_activity weekly_activity monthly_activity",
    "exports": "exports",
    "lists": "lists list_members",
    "barriers": "email_domain_blocks email_domain_refusals email_blocks network_blocks",
    "domain_blocks": "domain_blocks", "endorsements": "endorsements", "suggestions": "dismissed_suggestions",
    "featured": "featured_hashtags", "impressions": "impressions", "followed_tags": "followed_hashtags",
    "cards": "cards post_cards", "trends": "trends trend_days trend_refusals",
    "filters": "filters filter_keywords filter_posts filter_sets",
    "scheduled": "scheduled_posts",
    "departures": "departures",
    "cases": "cases case_seats case_notes escalation_calls",
    "detection": "signals detectors detector_choices reader_requests detector_pauses detector_beats",
    "learning": "samples",
    "measurement": "sample_days sample_strata sample_items measurements measured_figures",
    "evidence": "evidence evidence_media",
    "reports": "reports report_cases outcome_mails",
    "verdicts": "verdicts verdict_templates", "holds": "legal_holds", "proposals": "proposals",
    "restrictions": "restrictions",
    "statements": "statements statement_mails",
    "appeals": "appeals",
    "contacts": "contacts",
    "clauses": "policies policy_reactions",
    "hash_lists": "hash_lists hash_entries picture_hashes",
    "rules": "rule_sets rule_switches rule_trials rule_trial_posts post_traces seen_hosts",
    "notices": "notices notice_cases notice_mailboxes",
    "workspace": "moderator_preferences", "jurors": "jurors gold_answers gold_files juror_turns",
    "reviewing": "gold_cases sample_seats",
    "juries": "juries jury_seats jury_fits juror_weights camp_positions jury_rings jury_ring_members",
    "transparency": "transparency_months transparency_notes",
    "journal": "journal journal_heads journal_lanes journal_sealer journal_keepers journal_anchors",
}
# Other parts that may write a table, and why.
SHARED = {
    ("folding", "account_counts"): "deltas are folded into the totals",
    ("folding", "counter_deltas"): "deltas are folded into the totals",
    ("folding", "post_counts"): "deltas are folded into the totals",
    ("posts", "counter_deltas"): "the deltas of a change, in the same statement, through `counters.insert_deltas_sql`",
    ("portability", "one_time_codes"): "codes sent before a host was lost do not work again on the restored one",
    ("portability", "authorization_codes"): "codes for apps do not work again on the restored host",
    ("portability", "exports"): "files of archives are not in copies",
    ("portability", "host_state"): "a restored or promoted host gets the next epoch, and a host whose move was undone",
}
# Statements whose table is chosen at run time, and the possible tables.
CHOSEN = {
    "network/folding.py": {"account_counts", "post_counts"},
    "network/posts/queries/marking.py": {"favourites", "bookmarks"},
    "portability/offsite/queries.py": {"one_time_codes", "authorization_codes", "exports"},
    "portability/logical/queries.py": set(),  # UNLOGGED tables only, which a promotion of a physical standby empties too
}

_QUERIES = re.compile(r"(?:network|moderation)/(\w+)/queries(?:\.py|/\w+\.py)")
_PART = re.compile(r"(?:(?:network|moderation)/)?(\w+)")
_OWNER = {table: owner for owner, tables in OWNERS.items() for table in tables.split()}
_FLAG = r"(?<!\w)(?:\w+\.)?(?:effect|visibility|bits|counter)\b"
_NUMBER = re.compile(
    rf"{_FLAG}\)?(?:::\w+)?\s*(?:=|<>|!=|<=?|>=?|[&|#]|(?:NOT )?IN\b|BETWEEN\b)\s*\(?\s*~?\s*\d"
    rf"|{_FLAG}\s*(?:=|<>)\s*(?:ANY|ALL)\s*\(\s*(?:'\{{|ARRAY\[)\s*\d|\b\d+\s*(?:=|<>|<=?|>=?|[&|])\s*{_FLAG}"
)


@pytest.fixture(scope="module")
def code() -> list[Sql]:
    return list(sql_of_code())


def example(source: str, file: str = "example.py") -> list[Sql]:
    """Finds the SQL in an argument of a call, as in our code."""
    return find_sql(f"run({source})", file)


def misplaced(sql: Iterable[Sql], holders: Iterable[str]) -> set[str]:
    """Files with SQL that are neither `queries` of a noun nor in `holders`."""
    return {one.file for one in sql if not _QUERIES.fullmatch(one.file) and one.file not in holders}


def owner_of(file: str) -> str:
    """The noun or part to which a file belongs: `posts` for network/posts/queries.py, `base` for base/db.py."""
    found = _PART.match(file)
    assert found
    return found[1]


def foreign_writes(sql: Iterable[Sql], chosen: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """(file, table) for each table that a file writes and does not own; `?` if the table is unknown."""
    for one in sql:
        for table in tables_written(one):
            for name in chosen.get(one.file, {"?"}) if table == "any_name" else {table}:
                part = owner_of(one.file)
                if _OWNER.get(name) != part and (part, name) not in SHARED:
                    yield one.file, name


def numbers(sql: Iterable[Sql]) -> list[str]:
    """The places where an effect, a visibility, a bit or a counter is compared with a bare number."""
    return [f"{one.where}: {found[0]}" for one in sql for found in _NUMBER.finditer(one.text)]


def test_sql_is_in_the_queries_of_its_noun(code: list[Sql]) -> None:
    assert not misplaced(code, HOLDS_SQL)
    unneeded = HOLDS_SQL.keys() - {one.file for one in code}
    assert not unneeded, "contain no SQL"


def test_a_misplaced_statement_is_found() -> None:
    """All forms of SQL in our code (plain, joined, f-string, fragment), and text that only resembles SQL."""
    for file in ("network/posts/queries.py", "network/posts/queries/writing.py"):
        assert not misplaced(example('"SELECT id FROM posts"', file), ())
    for bad in (
        '"SELECT id FROM posts"', '"UPDATE " "posts SET x = 1"', '"DELETE FROM " + table', 'f"{SELECT} WHERE a.id = $1"', '"x IS NOT NULL"',
        '"""\n  WITH a AS (SELECT 1) SELECT * FROM a"""', '"coalesce(x, 0)"', 'f"ORDER BY {column} DESC"', '"TRUNCATE posts"',
        '"select id from posts"', '"delete from posts"', '"update posts set x = 1"', 'f"{f(\'INSERT INTO a VALUES (1)\')}"',
    ):
        assert misplaced(example(bad, "web/posts.py"), ()) == {"web/posts.py"}, bad
    for text in ('"DELETE"', '"Where it comes from"', '"Select one from the list"', '"UPDATE"', '"Update them and set a limit"'):
        assert not example(text), text
    assert not find_sql('"""SELECT id FROM posts, as a docstring."""')


def test_every_table_has_one_owner() -> None:
    names = [table for tables in OWNERS.values() for table in tables.split()]
    assert len(names) == len(set(names))
    assert set(names) == schema_tables() | {"migrations"}
    for owner in OWNERS:
        places = (owner, f"{owner}.py", f"network/{owner}", f"moderation/{owner}", f"network/{owner}.py")
        assert any((CODE / place).exists() for place in places), owner


def test_only_the_owner_writes_a_table(code: list[Sql]) -> None:
    assert not set(foreign_writes(code, CHOSEN))
    writers = {(owner_of(one.file), table) for one in code for table in tables_written(one)}
    chosen = {(owner_of(file), table) for file, tables in CHOSEN.items() for table in tables}
    assert not SHARED.keys() - writers - chosen, "exceptions that are not needed"
    assert not CHOSEN.keys() - {one.file for one in code if "any_name" in tables_written(one)}, "choose no table"


def test_a_foreign_write_is_found() -> None:
    """All forms of writes; reads, and writes of the owner, pass."""
    posts = "network/posts/queries.py"
    for good in (
        '"UPDATE posts SET x = 1 FROM accounts"', '"WITH a AS (SELECT 1 FROM accounts) INSERT INTO posts SELECT * FROM a"',
        '"SELECT 1 FROM accounts FOR UPDATE"',
    ):
        assert not list(foreign_writes(example(good, posts), {})), good
    for bad in (
        '"UPDATE accounts SET x = 1"', '"UPDATE ONLY accounts AS a SET x = $1"', '"DELETE FROM accounts USING posts"',
        '"TRUNCATE posts, accounts"', '"WITH a AS (DELETE FROM accounts RETURNING id) SELECT * FROM a"',
        'f"INSERT INTO accounts ({x}) SELECT 1 {y} WHERE {z}"', '"INSERT INTO accounts (x) VALUES (1) ON CONFLICT DO NOTHING"',
        'f"UPDATE accounts SET {a} = {b}"', '"MERGE INTO accounts USING posts ON true WHEN MATCHED THEN DELETE"',
        '"INSERT INTO accounts (half a statement"', 'f"{x} DELETE FROM accounts"',
    ):
        assert list(foreign_writes(example(bad, posts), {})) == [(posts, "accounts")], bad
    unknown = example('f"DELETE FROM {table} WHERE x"', posts)
    assert list(foreign_writes(unknown, {})) == [(posts, "?")]
    assert list(foreign_writes(unknown, {posts: {"marks", "media"}})) == [(posts, "media")]


def test_numbers_in_sql_have_names(code: list[Sql]) -> None:
    assert not numbers(code)


def test_a_bare_number_is_found() -> None:
    for bad in (
        "effect < 3", "a.visibility IN (0, 1)", "bits & ~32 > 0", "(bits::int & 32) > 0", "visibility = ANY ('{0,1}')", "3 > p.effect",
        "visibility BETWEEN 0 AND 1", "visibility=0",
    ):
        assert numbers(example(f"'''SELECT 1 FROM posts WHERE {bad}'''")), bad
    for good in ("effect < {Effect.HIDDEN:d}", "bits & $2::smallint > 0", "side_effect = 3", "visibility = {visibility}"):
        assert not numbers(example(f"f'''SELECT 1 FROM posts WHERE {good}'''")), good
