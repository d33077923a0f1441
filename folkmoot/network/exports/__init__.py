"""Exports: everything that belongs to a member, as an archive to take along, and single lists as CSV."""
