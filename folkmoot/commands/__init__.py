"""One file per command. A command reads its options, calls actions and queries, and prints; it makes no decisions."""
