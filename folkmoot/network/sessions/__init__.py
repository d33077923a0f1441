"""Who is logged in: log-ins with their passwords, browser sessions, apps with their codes and tokens."""
