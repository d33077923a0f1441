"""The mathematics of the jury: who is drawn, what the answers of a case amount to, when there are enough of them, and who colludes.

Everything here is a pure function of its arguments, so that a verdict can be computed again from the journal. Seats and answers are
in `moderation/juries/`, which calls `drawing.draw`, `aggregation.posterior` and `stopping.next_step`. Decision 0103.
"""
