"""Rules: what the network looks for in posts by itself, as operators write it: typed, versioned, tested on stored posts."""
