"""All SQL of rules: their versions, what is remembered of posts, the facts about posts, and what came of their cases."""
