"""Synthetic jurors sit in real juries: drawn, seated, asked and counted by the code of a network, on a database that is thrown away.

`people` creates the members, `answers` says what each of them answers, `course` plays the days by a clock of its own, `rules` counts
heads for comparison, `intervals` and `charts` show the result. `moot jury simulate` calls it. The assumptions about people are those of
`jury/synthetic.py`. Nothing here decides anything: what is wrong with a verdict is wrong in the code of the jury.
"""
