-- Why: jobs that wait in the tables of pgqueuer go on in `jobs`, and so do those that a process of the previous release
--      still enqueues. The old tables stay, empty, until the release after this one.
-- Locks: pgqueuer, exclusively, for as long as copying its waiting rows takes.
-- Kind: expand.

LOCK TABLE pgqueuer IN ACCESS EXCLUSIVE MODE;
INSERT INTO jobs (name, payload, queued_at, due_at, parked_at, last_error)
SELECT entrypoint, coalesce(payload, 'null'), created, execute_after,
    CASE WHEN status IN ('failed', 'exception') THEN now() END,
    CASE WHEN status IN ('failed', 'exception') THEN 'given up by the previous release' END
FROM pgqueuer WHERE status IN ('queued', 'picked', 'failed', 'exception') ORDER BY id;
TRUNCATE pgqueuer;

CREATE FUNCTION forward_to_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO jobs (name, payload, due_at) VALUES (NEW.entrypoint, coalesce(NEW.payload, 'null'), NEW.execute_after);
    RETURN NULL;
END
$$;
CREATE TRIGGER pgqueuer_forwards_to_jobs BEFORE INSERT ON pgqueuer FOR EACH ROW EXECUTE FUNCTION forward_to_jobs();
