"""The names of a network: what its hosts say under them, who changes them, and what is shown when none of them answers."""
