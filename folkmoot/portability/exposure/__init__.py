"""What a host that was removed still knows of this network, and exchanging it (decision 0088)."""
