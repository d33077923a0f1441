"""Live updates for the open pages and streams of one process. Used by `web` and `api`, which send them to clients."""
