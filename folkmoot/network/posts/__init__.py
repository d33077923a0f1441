"""Posts: writing, replying, boosting, favouriting, voting, and the rule of who may see a post."""
