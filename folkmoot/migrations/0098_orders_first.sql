-- Why: an order of an authority, which has an hour, must not wait behind the grave notices of a trusted flagger in the lane of demands.
--      What is ordered has an order of its own there, with turns of its own.
-- Locks: SHARE on cases until it ends, which takes as long as the open cases are read once; ACCESS EXCLUSIVE for a column with a constant
--        default, which is not written into the rows.
-- Kind: expand. The previous release marks nothing: cases of its orders are in the lane, in the order of harm.

ALTER TABLE cases ADD COLUMN is_ordered boolean NOT NULL DEFAULT false; -- a verified authority has ordered its removal
UPDATE cases AS c SET is_ordered = true WHERE c.state = 'open' AND c.is_demanded AND EXISTS (
    SELECT FROM notice_cases AS nc JOIN notices AS n ON n.id = nc.notice_id
    WHERE nc.case_id = c.id AND n.urgency = 'order' AND n.contact_id IS NOT NULL);
-- cases/queries/orders.py uses these very expressions, and the one of the lane.
CREATE INDEX cases_ordered ON cases (
    (CASE WHEN is_demanded THEN 0 WHEN severity >= 0.8 THEN 1 ELSE 2 END), due_at, id
) WHERE state = 'open' AND is_ordered;
