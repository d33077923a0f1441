"""SQL of what became of a case in the end. All nouns above that read verdicts use it; only the noun of verdicts writes them."""

from folkmoot.moderation.cases.model import Subject

# Joins to a verdict `v` the one that holds after all appeals as `later`; its columns are NULL if `v` itself holds. Indexes: the primary
# key of verdicts.
LAST_ON_APPEAL = """LEFT JOIN LATERAL (
            WITH RECURSIVE after AS (
                SELECT n.* FROM verdicts AS n WHERE n.id = v.overturned_by_id AND n.settled_at IS NOT NULL
                UNION ALL
                SELECT n.* FROM after JOIN verdicts AS n ON n.id = after.overturned_by_id AND n.settled_at IS NOT NULL
            ) SELECT id, action, clause, settled_at FROM after ORDER BY id DESC LIMIT 1) AS later ON true"""

# Joins to a case `c` its settled verdict `v`, and `later`.
SETTLED_VERDICTS = f"LEFT JOIN verdicts AS v ON v.case_id = c.id AND v.settled_at IS NOT NULL AND v.undone_at IS NULL {LAST_ON_APPEAL}"

# The columns that reporters and notifiers read of `c`, `v` and `later`.
OUTCOME = f"""c.state, c.due_at, coalesce(later.action, v.action) AS action, coalesce(later.clause, v.clause) AS clause,
            coalesce(later.settled_at, v.settled_at) AS settled_at, later.id IS NOT NULL AS is_overturned,
            c.subject = '{Subject.POST}' AND NOT EXISTS (SELECT FROM posts WHERE posts.id = c.subject_id) AS is_deleted"""
