"""The network: accounts, posts and what people do with them. It knows that a post is restricted, not why."""
