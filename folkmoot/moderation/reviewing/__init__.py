"""Reviewing: what a juror is shown and answers, one item at a time. An item is a seat in a case, or a gold question that looks like one."""
