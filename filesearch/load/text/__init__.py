"""Text: plain text, marked up or structured, in whatever encoding."""
