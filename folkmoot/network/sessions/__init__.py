"""Log-ins with their passwords, browser sessions, and apps with their codes and tokens."""
