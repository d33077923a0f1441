-- Why: whoever sent a notice can object to its outcome (DSA Art. 20(1)), without an account; how many people were here in each month is
--      recorded as time passes, for the average that DSA Art. 24(2) asks for.
-- Locks: appeals, ACCESS EXCLUSIVE, while its rows, which are few, are read once for the index; the constraint is not checked for them.
-- Kind: expand. The previous release cannot close the appeal of a notifier: its job is repeated by this one.

ALTER TABLE appeals ALTER COLUMN appellant_id DROP NOT NULL;
ALTER TABLE appeals ADD COLUMN notice_id bigint;              -- of an appeal without an account: the notice whose sender objects
ALTER TABLE appeals ADD COLUMN told_at timestamptz;           -- when this sender was told of the outcome
ALTER TABLE appeals DROP CONSTRAINT appeals_side_check;
ALTER TABLE appeals ADD CONSTRAINT appeals_side_check CHECK (side IN ('author', 'reporter', 'notifier')) NOT VALID;
CREATE UNIQUE INDEX appeals_notice ON appeals (verdict_id, notice_id) WHERE notice_id IS NOT NULL;

CREATE TABLE monthly_activity (
    month date PRIMARY KEY,                                   -- its first day, UTC
    members integer NOT NULL                                  -- who visited or posted
);
