"""What moderators hold back from the trends: hashtags and links that are never recommended to anybody."""
