"""What people did: clicks, the masks that came of them, and what was saved in the end (docs/record.md)."""
