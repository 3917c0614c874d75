"""Picture files of a folder, by the endings of what `read_pixels` reads."""

from __future__ import annotations

from pathlib import Path

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff")


def pictures_in(folder: Path, inside: bool = False) -> list[Path]:
    """Its pictures, by their names. inside: those of folders in it, too.

    Raises:
        ValueError: there is no such folder, it is a file, or none of its files has one of ENDINGS.
    """
    if not folder.exists():
        raise ValueError(f"{folder}: there is no such folder. Name one that holds pictures")
    if not folder.is_dir():
        raise ValueError(f"{folder}: it is a file. Name the folder that holds the pictures")
    files = [file for file in folder.glob("**/*" if inside else "*") if file.is_file()]
    found = sorted(file for file in files if file.suffix.lower() in ENDINGS)
    if not found:
        there = f"{len(files)} files, but" if files else "no files, and"
        raise ValueError(f"{folder}: {there} no pictures there. Name a folder with {', '.join(ENDINGS)}")
    return found
