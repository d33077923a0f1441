"""How much was going on in each week and month, for the public description of the network. Counts only, nothing about anybody."""
