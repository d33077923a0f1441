"""Appeals: another moderator decides again, without seeing the first verdict (DSA Art. 20)."""
