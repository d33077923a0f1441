"""Lists: timelines of some of the accounts that a member follows. Nobody else sees them, and nobody is told of them."""
