"""Members as staff see them: who they are, in which state their log-in is, and what moderators do about an account as a whole."""
