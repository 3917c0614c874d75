"""The tutorial's notebook: `python -m tests.notebook` runs it and keeps what it shows."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FILE = Path(__file__).parents[1] / "docs" / "tutorials" / "python.ipynb"


def run(folder: Path) -> NotebookNode:
    """The notebook with new outputs, run in `folder`. CellExecutionError where a cell fails."""
    notebook = nbformat.read(FILE, 4)
    client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}})
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran
        for output in cell.get("outputs", ()):
            output.data.pop("image/png", None)  # the same picture, and eight times as large
    return notebook


if __name__ == "__main__":
    nbformat.write(run(FILE.parent), FILE)
