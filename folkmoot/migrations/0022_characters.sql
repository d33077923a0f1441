-- Why: limits count characters as people see them (an emoji of seven code points is one), so columns hold up to twelve code points for each.
-- Locks: ACCESS EXCLUSIVE on accounts, logins, account_notes, media, posts, reports, verdicts and appeals for an instant; the new
--   checks are wider than the old ones, so no row is read.
-- Kind: expand.

ALTER TABLE accounts
    DROP CONSTRAINT accounts_display_name_check, ADD CONSTRAINT accounts_display_name_check CHECK (length(display_name) <= 360) NOT VALID,
    DROP CONSTRAINT accounts_bio_check, ADD CONSTRAINT accounts_bio_check CHECK (length(bio) <= 6000) NOT VALID;
ALTER TABLE logins DROP CONSTRAINT logins_reason_check, ADD CONSTRAINT logins_reason_check CHECK (length(reason) <= 12000) NOT VALID;
ALTER TABLE account_notes
    DROP CONSTRAINT account_notes_text_check, ADD CONSTRAINT account_notes_text_check CHECK (length(text) <= 24000) NOT VALID;
ALTER TABLE media
    DROP CONSTRAINT media_description_check, ADD CONSTRAINT media_description_check CHECK (length(description) <= 18000) NOT VALID;
ALTER TABLE posts DROP CONSTRAINT posts_cover_check, ADD CONSTRAINT posts_cover_check CHECK (length(cover) <= 6000) NOT VALID;
ALTER TABLE reports DROP CONSTRAINT reports_comment_check, ADD CONSTRAINT reports_comment_check CHECK (length(comment) <= 12000) NOT VALID;
ALTER TABLE verdicts
    DROP CONSTRAINT verdicts_explanation_check, ADD CONSTRAINT verdicts_explanation_check CHECK (length(explanation) <= 24000) NOT VALID;
ALTER TABLE appeals DROP CONSTRAINT appeals_reason_check, ADD CONSTRAINT appeals_reason_check CHECK (length(reason) <= 12000) NOT VALID;
