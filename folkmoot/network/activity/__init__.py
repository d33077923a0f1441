"""How much was going on in each week, for the public description of the network. Counts only, nothing about anybody."""
