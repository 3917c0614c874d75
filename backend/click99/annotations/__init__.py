"""What people did: clicks, the masks that came of them, and what was saved (docs/reference/record.md)."""
