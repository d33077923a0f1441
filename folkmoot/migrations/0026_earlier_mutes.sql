-- Why: conversations that were muted before 0025 are stored like later ones. Apart from 0025, so that its locks are short.
-- Locks: none that wait or make others wait; marks is read once, about a second per million rows.
-- Kind: expand.

INSERT INTO muted_conversations (account_id, conversation_id) SELECT account_id, post_id FROM marks WHERE bits & 8 > 0
ON CONFLICT DO NOTHING;
