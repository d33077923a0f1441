"""Two hosts of one network: their certificates, how they are paired, and the encrypted channel between them (decision 0058)."""
