"""The Mastodon client API: existing apps talk to Folkmoot through it. Wire words live here and nowhere else."""
