"""What accepted masks tell of the next ones of their kind (docs/explanation/memory.md)."""
