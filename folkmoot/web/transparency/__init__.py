"""The public pages about moderation: monthly figures, and two printable pages for a hosting provider."""
