-- Why: rules ask for the newest copies of a text, 200 at most. While post_traces has no statistics, as in a new network, PostgreSQL
--      read all copies of a text and sorted them: 1 ms for each post of a flood of 14,000, and more with each further one. In this
--      function it can only read the index in its order, up to the bound.
-- Locks: none.
-- Kind: expand. The previous release does not know the function.

CREATE FUNCTION list_copies(text_key bigint, until bigint, own_id bigint, most integer) RETURNS SETOF bigint
LANGUAGE sql STABLE ROWS 10 SET enable_bitmapscan = off SET enable_seqscan = off AS $$
    SELECT t.post_id FROM post_traces AS t
    WHERE t.text_key = list_copies.text_key AND t.post_id <= until AND t.post_id <> own_id
    ORDER BY t.post_id DESC LIMIT most
$$;
