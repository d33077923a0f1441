"""The unplanned change of the primary: the standby takes over from a host that is lost, and what happens when that host comes back."""
