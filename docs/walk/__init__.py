"""The walk of docs/tutorials/walk.md, made by `python -m docs.walk`."""
