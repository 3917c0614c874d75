"""The HTTP server, its settings, metrics and doctor."""
