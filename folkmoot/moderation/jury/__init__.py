"""The mathematics of the jury: who is drawn, what the answers of a case amount to, when there are enough of them, and who colludes.

Everything here is a pure function of its arguments, so that a verdict can be computed again from the journal. Seats, reviews and
pages are not here: they belong to the storing half of the jury, which calls `drawing.draw`, `aggregation.posterior` and
`stopping.next_step`. Until it does, only tests and `trial.py` use this package. Decision 0103.
"""
