"""The network: accounts, posts and the actions on them. It knows that a post is restricted, not why."""
