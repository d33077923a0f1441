"""Off-site copies: where the repository is, base backups and the write-ahead log that is pushed after them."""
