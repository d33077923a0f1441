"""Writing jobs: the one statement with which a write transaction stores its events and its jobs.

Apart from the other queries, because `db.py` needs it and the others need `db.py`.
"""

DELIVER = "events.deliver"
# $1, $2 kinds and payloads of events; $3, $4, $5 names, payloads and delays of jobs.
TELL = """
    WITH told AS (
        INSERT INTO events (kind, payload) SELECT * FROM unnest($1::text[], $2::jsonb[])
    )
    INSERT INTO jobs (name, payload, due_at)
    SELECT t.name, t.payload, now() + t.delay
    FROM unnest($3::text[], $4::bytea[], $5::interval[]) AS t (name, payload, delay)
"""
