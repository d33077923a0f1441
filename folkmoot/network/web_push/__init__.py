"""Web push: wakes the apps and browsers of a member when a notification arrives (decision 0105)."""
