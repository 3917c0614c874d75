"""Every command in the documentation is run by a test: here, small, or where docs_pages.py says."""

from __future__ import annotations

import ast
import http
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import click99.segmentation.checkpoint
import click99.segmentation.predictor
from click99.segmentation.presets import PRESETS
from tests import docs_workplace, reference_pages
from tests.docs_pages import ELSEWHERE, PAGES, ROOT, commands, title
from tests.docs_workplace import SMALL_COMPACT, run, served, small_network
from tests.postgresql_server import PostgresqlServer
from tests.redis_server import RedisServer

# Option -> its value in the tests, and what commands that are not small by themselves are given besides.
SMALL = {"--images": "1", "--crops": "64:1:1", "--threads": "1", "--workers": "2"}
SMALL |= {
    "--project": "1",
    "--label": "object",
    "--each": "2",
    "--clicks": "5",
    "--variants": "baseline,+T",
    "--pictures": "20",
}
GIVEN = {
    "train": ("--images", "--crops", "--threads"),
    "ablation": ("--crops", "--threads", "--variants"),
    "evaluate": ("--threads",),
    "validate": ("--threads", "--each", "--clicks"),
    "fit-quality": ("--threads", "--pictures"),
}


def small(words: list[str]) -> list[str]:
    """The same command on little: few images and variants, small crops, few processes, one thread."""
    given = GIVEN.get(words[1], ())
    words = [*words, *(word for name in given if name not in words for word in (name, SMALL[name]))]
    pairs = zip(["", *words], words, strict=False)
    return [smaller(before, word) for before, word in pairs]


def smaller(option: str, value: str) -> str:
    """The clicks of a cut-out are places, and stay."""
    if option == "--crops":
        return crops(value)
    return value if option == "--clicks" and "," in value else SMALL.get(option, value)


def crops(schedule: str) -> str:
    """As many sizes with the same shares, all of them 64 pixels and alone in their batch."""
    return re.sub(r"\d+:\d+:", "64:1:", schedule)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with everything that pages name, and a record in home/."""
    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        docs_workplace.fill(folder)
        small_served(patch, folder)
        run(["models", "promote", "small.safetensors", "--home", "home"])
        docs_workplace.fill_with_results(folder)
        docs_workplace.annotate(folder / "DATA", folder / "home", 2)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def workplace(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of it for one page; the current folder, with its home and, as what is shipped, its network."""
    shutil.copytree(filled, tmp_path / "place", symlinks=True)
    monkeypatch.chdir(tmp_path / "place")
    monkeypatch.setenv("CLICK99_HOME", "home")
    monkeypatch.setenv("CLICK99_THREADS", "1")
    small_served(monkeypatch, Path.cwd())
    yield Path.cwd()
    shutil.rmtree(tmp_path / "place")  # the paper's network is large


def small_served(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """What is shipped, and what is trained, look at small pictures as they are, which is fast."""
    path = folder / "small.safetensors"
    path = path if path.exists() else small_network(path)
    patch.setattr(click99.segmentation.checkpoint, "SHIPPED", path)
    patch.setattr(click99.segmentation.predictor, "shipped", lambda: path)
    patch.setitem(PRESETS, "compact", SMALL_COMPACT)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with PostgresqlServer() as server:
        yield server.new_database()


def run_here(command: str, request: pytest.FixtureRequest) -> None:
    version = next(Path("home/models").glob("small-*.safetensors")).stem
    program, *words = small(shlex.split(command.replace("VERSION", version)))
    if words[0] == "serve" and "--help" not in words:
        with served(*(ours(word, request) for word in words[1:])):
            pass
    else:
        assert program == "click99", f"run {command!r} in a test, and name the test in tests/docs_pages.py"
        run(words)


def ours(word: str, request: pytest.FixtureRequest) -> str:
    """The address of the tests' own server where a Redis or PostgreSQL is named."""
    kind = word.partition("://")[0]
    return request.getfixturevalue(kind) if kind in ("redis", "postgresql") and kind != word else word


@pytest.mark.slow("runs the commands of all pages")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in PAGES if {*commands(page)} - ELSEWHERE], ids=title)
def test_the_commands_of_a_page_run_one_after_another(
    page: Path, workplace: Path, request: pytest.FixtureRequest
) -> None:
    alike = {tuple(small(shlex.split(each))): each for each in commands(page) if each not in ELSEWHERE}
    for command in alike.values():  # what differs only in its size is small once
        run_here(command, request)


@pytest.mark.parametrize("file", reference_pages.MADE_FILES, ids=title)
def test_the_reference_is_as_the_code_says(file: Path) -> None:
    made = reference_pages.MADE_FILES[file]()
    assert file.read_text() == made, "run: python -m tests.reference_pages"


def test_the_protocol_has_every_status_that_the_server_answers_with() -> None:
    page = (reference_pages.FOLDER / "protocol.md").read_text()
    told = {int(code) for code in re.findall(r"^\| (\d{3}) \|", page, flags=re.MULTILINE)}
    assert told == statuses() | {404, 405}  # FastAPI's own


def statuses() -> set[int]:
    """Every number in the server's code that is an HTTP error."""
    trees = [ast.parse(file.read_text()) for file in (ROOT / "backend/click99/server").glob("*.py")]
    constants = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    numbers = {each for each in constants if isinstance(each, int)}
    return {number for number in numbers if number in [*http.HTTPStatus] and number >= 400}


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^):]+)\)", page.read_text())
    assert [link for link in links if not leads_somewhere(page, link)] == []


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether there is such a file, and in it such a heading."""
    path, _, heading = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not heading or heading in headings(target))


def headings(page: Path) -> list[str]:
    """As GitHub makes anchors of them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in titles]


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_a_paragraph_is_one_line(page: Path) -> None:
    prose = re.sub(r"^[ \t]*```.*?^[ \t]*```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    wrapped = r"^[^\s|#<!-].*\n *(?!\d+\. |[-*] )[^\s|#<!].*"
    assert re.findall(wrapped, prose, flags=re.MULTILINE) == []


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`((?:backend|training|tests|label_config|docker)/[\w/.]+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_house_has_every_room() -> None:
    house = (ROOT / "README.md").read_text().partition("## The house")[2]
    rooms = {file.parent for top in ("backend", "training") for file in (ROOT / top).glob("*/*/__init__.py")}
    paths = {room.relative_to(ROOT).as_posix() for room in rooms if not room.is_symlink()}
    names = {path.removeprefix("training/click99_training/") for path in paths}
    assert names - {*re.findall(r"`([\w/]+)`", house)} == set()


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_tests_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"\[`(test_\w+)`\]\(([^)#:]+)\)", page.read_text())
    assert [name for name, file in named if f"def {name}(" not in (page.parent / file).read_text()] == []
