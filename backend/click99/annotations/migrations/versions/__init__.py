"""The steps. Each only adds to the one before (docs/reference/record.md)."""
