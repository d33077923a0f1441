"""The Mastodon client API, which existing apps use. Wire names occur only in this package."""
