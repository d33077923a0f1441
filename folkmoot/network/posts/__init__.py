"""Posts: writing, answering, boosting, favouriting, voting, and the one rule of who may see one."""
