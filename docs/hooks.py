"""What MkDocs does not do by itself, so that the same Markdown works on GitHub and on the site.

The contents are those of docs/README.md. The notebook becomes a page. What pages link to outside of docs/ is
on the site, too, below source/; folders there are plain text.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
SOURCE = "source/"
LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\(([^):\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Contents as docs/README.md has them, and headings' names as GitHub makes them."""
    config.nav = [{"click99": "README.md"}, *contents((ROOT / "docs" / "README.md").read_text())]
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    return config


def contents(index: str) -> list[dict[str, Any]]:
    """A section a row of the index's table: its title, its pages."""
    rows = re.findall(r"^\| \[(.+?)\]\([^)]*\) \|[^|]*\| (.+) \|$", index, re.MULTILINE)
    return [
        {title: [{name[1:-1]: page(uri)} for name, uri, _ in LINK.findall(pages)]} for title, pages in rows
    ]


def anchor(title: str, separator: str) -> str:
    """GitHub's, of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", separator)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        made = File.generated(config, page(notebook.src_uri), content=as_markdown(notebook.content_string))
        files.append(made)
    read = [file for file in files if file.is_documentation_page()]
    while read:
        for found in linked_outside(read.pop()):
            if uri_of(found) not in files.src_uris:
                added = File.generated(config, uri_of(found), abs_src_path=str(ROOT / found))
                files.append(added)
                read += [added] if added.is_documentation_page() else []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    def on_site(link: re.Match[str]) -> str:
        text, path, heading = link.groups(default="")
        target = in_repository(page.file, path)
        if (ROOT / target).is_dir():
            return text[1:-1]
        uri = os.path.relpath(uri_of(target), os.path.dirname(page.file.src_uri) or ".")
        return f"{text}({uri}{heading})"

    return LINK.sub(on_site, markdown)


def linked_outside(file: File) -> set[str]:
    """The files outside of docs/ that a page links to, from the repository's root."""
    targets = {in_repository(file, path) for _, path, _ in LINK.findall(file.content_string)}
    return {each for each in targets if not each.startswith("docs/") and (ROOT / each).is_file()}


def in_repository(file: File, path: str) -> str:
    """Where a page's link leads, from the repository's root."""
    uri = file.src_uri
    own = uri.removeprefix(SOURCE) if uri.startswith(SOURCE) else f"docs/{uri}"
    return os.path.normpath(os.path.join(os.path.dirname(own), path))


def uri_of(target: str) -> str:
    """A file of the repository on the site."""
    inside = target.startswith("docs/")
    return (
        page(target.removeprefix("docs/")) if inside else SOURCE + target.lstrip(".")
    )  # hidden files stay out


def page(uri: str) -> str:
    """A notebook's page; all else is itself."""
    return uri.removesuffix(".ipynb") + ".md" if uri.endswith(".ipynb") else uri


def as_markdown(notebook: str) -> str:
    """Its cells, and what they put out."""
    return "\n\n".join(part for cell in json.loads(notebook)["cells"] for part in parts(cell))


def parts(cell: dict[str, Any]) -> list[str]:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [text]
    return [f"```python\n{text}\n```", *(shown(each) for each in cell["outputs"])]


def shown(output: dict[str, Any]) -> str:
    data = output.get("data", {"text/plain": output.get("text", "")})
    for kind in ("image/png", "image/webp", "image/jpeg"):
        if kind in data:
            return f"![what the cell shows](data:{kind};base64,{''.join(data[kind]).strip()})"
    return "```\n" + "".join(data.get("text/plain", "")) + "\n```"
