"""Pictures: re-encoded in a sandbox, stored by hash, served under random names; deleting one deletes its files."""
