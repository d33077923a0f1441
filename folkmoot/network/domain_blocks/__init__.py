"""Domain blocks: a member hides everything that comes from another network. Nobody is told of it."""
