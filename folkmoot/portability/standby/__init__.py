"""A second host that follows the primary: seeded once, then current within a second."""
