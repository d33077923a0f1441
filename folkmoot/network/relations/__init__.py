"""Relations between accounts: follow, follow request, mute, block, and private notes about an account."""
