-- Why: code of an older release may run with a newer schema, as after an upgrade that went back, as long as nothing that it
--      uses was removed. `needs` is the newest migration that code must know at least; 0 for what only adds.
-- Locks: ACCESS EXCLUSIVE on migrations for an instant; no table is rewritten.
-- Kind: expand.

ALTER TABLE migrations ADD COLUMN needs integer NOT NULL DEFAULT 0;
