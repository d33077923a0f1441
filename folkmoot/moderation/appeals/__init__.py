"""Appeals: a second look, by somebody else, who does not see the first verdict (DSA Art. 20)."""
