"""Moving, copying and restoring a whole host. It moves bytes, not posts."""
