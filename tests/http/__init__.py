"""What both entry points share."""
