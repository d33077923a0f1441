"""Pictures: taken in through a sandbox, stored by hash, shown under random names, and really deleted."""
