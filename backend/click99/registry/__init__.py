"""Model versions: what is kept of each, which one is served, and the fine-tunes that make new ones."""
