-- Why: what nothing will hide at its deadline (reports that are most probably wrong, appeals, cases about accounts) has turns of its own
--      before its deadline is over, not only afterwards.
-- Locks: SHARE on cases until it ends, which takes as long as the open cases are read once.
-- Kind: expand. The previous release reads late cases by cases_by_deadline, which can be dropped later.

-- By deadline: first what is hidden, because its author waits, then what nothing hides: cases/queries/orders.py uses this very expression.
CREATE INDEX cases_near_deadline ON cases (
    (CASE WHEN is_demanded THEN 0 WHEN severity >= 0.8 THEN 1 ELSE 2 END),
    (CASE WHEN interim_at IS NOT NULL THEN 0
          WHEN is_confirmed AND subject = 'post' AND appealed_verdict_id IS NULL AND (is_demanded OR probability >= 0.2::float8) THEN 2
          ELSE 1 END),
    due_at, id
) WHERE state = 'open' AND is_confirmed AND noted_share >= 80;
