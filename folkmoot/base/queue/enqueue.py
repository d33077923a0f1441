"""The one statement with which a write transaction stores its events and its jobs.

It is not in `queries.py`, because `db.py` imports it and `queries.py` imports `db.py`.
"""

DELIVER = "events.deliver"
# $1, $2 kinds and payloads of events; $3, $4, $5 names, payloads and delays of jobs.
INSERT_EVENTS_AND_JOBS = """
    WITH inserted_events AS (
        INSERT INTO events (kind, payload) SELECT * FROM unnest($1::text[], $2::jsonb[])
    )
    INSERT INTO jobs (name, payload, due_at)
    SELECT t.name, t.payload, now() + t.delay
    FROM unnest($3::text[], $4::bytea[], $5::interval[]) AS t (name, payload, delay)
"""
