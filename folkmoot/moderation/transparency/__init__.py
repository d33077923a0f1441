"""Transparency: reports about a period in the forms of the EU (DSA Art. 15 and 24), and the monthly figures that everybody can read."""
