-- Why: sessions that write the rebuildable caches get a role that can write UNLOGGED tables and nothing else; the write
--      gate refuses on a standby, where it admitted until the first change failed.
-- Locks: none that matter, functions only. `grant_cache_rights` is called after each run of migrations: it locks rows of
--      the catalogue, and where it must fall back to triggers each table for a moment (SHARE ROW EXCLUSIVE).
-- Kind: expand.

CREATE OR REPLACE FUNCTION enter_write_gate() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'read_only_sql_transaction';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7020, 1);
    IF (SELECT epoch FROM host_state) IS DISTINCT FROM nullif(current_setting('folkmoot.epoch', true), '')::bigint THEN
        RAISE EXCEPTION 'this process belongs to another epoch' USING ERRCODE = 'FM001';
    END IF;
END
$$;

CREATE FUNCTION refuse_cache_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'sessions of the caches write UNLOGGED tables only, not %', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Whether this log-in may take the role. PostgreSQL 16 told membership and SET ROLE apart.
CREATE FUNCTION can_be_cache_writer() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
        FROM pg_roles AS r WHERE r.rolname = 'folkmoot_cache'), false)
$$;

-- Makes the role, as far as this log-in may. Roles belong to the whole cluster: another database may be making the same one.
CREATE FUNCTION make_cache_role() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR attempt IN 1..20 LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'folkmoot_cache') THEN
                CREATE ROLE folkmoot_cache NOLOGIN;
            END IF;
            IF NOT can_be_cache_writer() THEN
                GRANT folkmoot_cache TO CURRENT_USER;
            END IF;
            RETURN;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RETURN;
            WHEN duplicate_object OR unique_violation OR undefined_object OR internal_error THEN -- "tuple concurrently updated"
                PERFORM pg_sleep(0.05);
        END;
    END LOOP;
END
$$;

-- Gives the role its rights on every table that there is. Where the role cannot be had, a trigger on each logged table
-- refuses sessions of the caches instead. Returns whether the role is in use. Changes nothing that is right already.
CREATE FUNCTION grant_cache_rights() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    has_role boolean;
    one record;
BEGIN
    PERFORM make_cache_role();
    has_role := can_be_cache_writer();
    FOR one IN
        SELECT c.oid, c.oid::regclass AS name, c.relpersistence = 'u' AS is_cache, EXISTS (
            SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgname = 'a_cache_session_is_refused') AS has_trigger
        FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    LOOP
        IF has_role THEN
            IF NOT has_table_privilege('folkmoot_cache', one.oid, 'SELECT') THEN
                EXECUTE format('GRANT SELECT ON %s TO folkmoot_cache', one.name);
            END IF;
            IF one.is_cache AND NOT (
                has_table_privilege('folkmoot_cache', one.oid, 'INSERT') AND has_table_privilege('folkmoot_cache', one.oid, 'UPDATE')
                AND has_table_privilege('folkmoot_cache', one.oid, 'DELETE')
            ) THEN
                EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO folkmoot_cache', one.name);
            ELSIF NOT one.is_cache AND has_table_privilege('folkmoot_cache', one.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') THEN
                EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM folkmoot_cache', one.name);
            END IF;
            IF one.has_trigger THEN
                EXECUTE format('DROP TRIGGER a_cache_session_is_refused ON %s', one.name);
            END IF;
        ELSIF NOT one.is_cache AND NOT one.has_trigger THEN
            EXECUTE format(
                'CREATE TRIGGER a_cache_session_is_refused BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT'
                ' WHEN (current_setting(''folkmoot.caches'', true) = ''on'') EXECUTE FUNCTION refuse_cache_session()', one.name);
        END IF;
    END LOOP;
    RETURN has_role;
END
$$;

-- Each session of the caches calls this when it begins. On a standby too: both are settings of the session.
CREATE FUNCTION become_cache_writer() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('folkmoot.caches', 'on', false);
    IF can_be_cache_writer() THEN
        PERFORM set_config('role', 'folkmoot_cache', false);
    END IF;
END
$$;
