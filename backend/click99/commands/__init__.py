"""Commands that take the server's settings; the others stand in the `cli.py` of their rooms."""
