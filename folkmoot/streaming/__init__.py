"""Live updates: what open pages and streams of one process hear of. Stands below web and API, which carry it out."""
