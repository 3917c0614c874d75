"""Model versions in a folder: `NAME.safetensors`, its card `NAME.json`, and the pointers: `served.json`, and
`served.LINE.json` of projects that follow a line of their own (lines.py).

A version's name is its file's stem and 8 digits of its content's hash, so a name never changes its meaning.
Any number of processes may read and change the folder; of several machines, by a bucket (shared.py).
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from filelock import FileLock
from pydantic import Field, TypeAdapter, ValidationError

from click99.files import replacing, sha256, write_json
from click99.registry.check import RegistryError, load_checked
from click99.registry.shared import OvertakenError, Storage

log = logging.getLogger(__name__)

T = TypeVar("T")
Decider = Literal["person", "gate", "watch"]
CLEARED_AWAY = "cleared_away"  # the fact that says when
OVERTAKEN_TIMES = 20  # by other machines, until a change is given up
POINTERS = re.compile(r"served(?:\.([0-9+]+))?\.json")  # no version's card: those have a - in their names

__all__ = ["Move", "Pointer", "Registry", "RegistryError", "Version"]


@dataclass(frozen=True)
class Version:
    """A checkpoint that was added. parent: the version it was trained from. made_at: UTC, ISO 8601."""

    name: str
    path: Path
    parent: str | None
    made_at: str
    sha256: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_cleared_away(self) -> bool:
        """Whether its checkpoint was deleted on purpose (`prune`)."""
        return CLEARED_AWAY in self.facts and not self.path.is_file()


@dataclass(frozen=True)
class Move:
    """The pointer once moved to a version. by: who decided it; the gate also for a challenger's trial."""

    version: str
    why: str
    at: str
    by: Decider = "person"


@dataclass(frozen=True)
class Pointer:
    """stack: what was promoted on what, the served version last; a rollback takes it off. moves: all ever."""

    stack: Annotated[tuple[str, ...], Field(alias="line")] = ()  # its name in the file, from the first on
    moves: tuple[Move, ...] = ()


VERSION, POINTER = TypeAdapter(Version), TypeAdapter(Pointer)


class Registry:
    """The versions in `folder`. Errors: RegistryError; OSError when the disk does not take it.

    storage: `folder` is its copy. What changes the registry then changes the storage, StorageError if it is
    away; what reads it reads what the last `pull` brought.
    line: whose pointer it is about, "": the common one.
    """

    def __init__(self, folder: Path, storage: Storage | None = None, line: str = ""):
        self.folder, self._storage, self.line = folder, storage, line

    @classmethod
    def at(cls, home: Path, url: str = "") -> Registry:
        """Of a CLICK99_HOME, or the one that lies at CLICK99_REGISTRY_URL."""
        home = home.expanduser()
        if not url:
            return cls(home / "models")
        folder = home / f"models-{hashlib.sha256(url.rstrip('/').encode()).hexdigest()[:8]}"
        return cls(folder, Storage(url, folder))

    @classmethod
    def pulled(cls, home: Path, url: str = "") -> Registry:
        """The same, as it is now. StorageError when it is shared, and away."""
        registry = cls.at(home, url)
        registry.pull()
        return registry

    def of_line(self, line: str) -> Registry:
        """The same versions, with the pointer of a line."""
        return Registry(self.folder, self._storage, line)

    def lines(self) -> list[str]:
        """Those that have a pointer, but the common one."""
        if not self.folder.is_dir():
            return []
        found = (POINTERS.fullmatch(file.name) for file in self.folder.iterdir())
        return sorted(match[1] for match in found if match and match[1])

    def pull(self) -> None:
        """See what other machines changed. Without a storage there are none."""
        if self._storage:
            with self._lock():
                self._pull(self._storage)

    def add(self, checkpoint: Path, parent: str | None = None, **facts: Any) -> Version:
        """Copy a checkpoint in. The same content is the same version: it only gets `facts` then."""
        return self._change(lambda: self._add(checkpoint, parent, facts))

    def add_facts(self, name: str, **facts: Any) -> Version:
        """Add to what is known of a version; a fact of the same name is replaced."""
        return self._change(lambda: self._write(self.get(name), facts))

    def clear_away(self, name: str) -> None:
        """Delete a version's checkpoint; its card stays, and says that it was on purpose."""
        version = self.add_facts(name, **{CLEARED_AWAY: now()})
        if self._storage:
            self._storage.remove(version.path.name)
        version.path.unlink(missing_ok=True)

    def get(self, name: str) -> Version:
        """RegistryError, naming the known ones, when it is none of them."""
        versions = {version.name: version for version in self.all()}
        if name not in versions:
            known = ", ".join(versions) or "none yet"
            raise RegistryError(f"{name} is no version in {self.folder}. Known: {known}")
        return versions[name]

    def all(self) -> list[Version]:
        """The oldest first; also those whose checkpoint was deleted, and those without a readable card."""
        if not self.folder.is_dir():
            return []
        files = [file for file in self.folder.iterdir() if file.suffix in (".json", ".safetensors")]
        names = {file.stem for file in files if file.name[0] != "." and not POINTERS.fullmatch(file.name)}
        found = filter(None, map(self._read, names))
        return sorted(found, key=lambda version: (version.made_at, version.name))

    def pointer(self) -> Pointer:
        """Where it points and where it pointed. RegistryError when its file can't be read."""
        try:
            return POINTER.validate_json(self._pointer_file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return Pointer()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "file"
            problem = f"{self._pointer_file} can't be read ({where}: {first['msg']})"
            raise RegistryError(f"{problem}. Delete it, then promote a version") from None

    def stamp(self) -> tuple[int, int, int] | None:
        """Differs after every move of the pointer; costs no more than a look at its file."""
        try:
            file = self._pointer_file.stat()
        except OSError:
            return None
        return file.st_mtime_ns, file.st_ino, file.st_size

    def served(self) -> Version | None:
        """The version that servers follow; None: nothing was ever promoted. In a line, the common one until
        something was promoted there."""
        stack = self.pointer().stack
        if not stack and self.line:
            return self.of_line("").served()
        return self.get(stack[-1]) if stack else None

    def chosen(self, pinned: Path | None = None) -> Version:
        """What a server starts with: the checkpoint that it is pinned to, what the pointer names, or the
        shipped one. It need not have been added."""
        from click99.segmentation.checkpoint import SHIPPED

        return self.of(pinned) if pinned else self.served() or self.of(SHIPPED)

    def of(self, checkpoint: Path) -> Version:
        """The version that a checkpoint is: the one of the same content, or the one that it would become."""
        from click99.segmentation.checkpoint import checkpoint_version

        if not checkpoint.is_file():
            raise RegistryError(f"{checkpoint} does not exist: give the path of a .safetensors file")
        digest = sha256(checkpoint)
        known = (version for version in self.all() if version.sha256 == digest)
        return next(known, None) or Version(
            checkpoint_version(checkpoint), checkpoint, None, changed_at(checkpoint), digest
        )

    def promote(self, name: str, why: str, by: Decider = "person", judged_against: str = "") -> Version:
        """Move the pointer to a version that stands its trial (`load_checked`).

        A person may confirm what the gate promoted: then it is not watched any more. judged_against: what it
        was better than; RegistryError when another one is served by now.
        """
        version = self.get(name)
        load_checked(version.name, version.path, version.sha256)
        self._change(lambda: self._promote(name, why, by, judged_against))
        return version

    def rollback(self) -> Version:
        """Move the pointer back to the version that was served before, at last to the shipped one.

        Those whose checkpoints were cleared away are passed over.
        """
        return self._change(self._rollback)

    def take_back(self, seen: Pointer, why: str) -> Version:
        """Undo the last promotion that the gate decided, unless somebody moved the pointer since it was seen.

        RegistryError then, and when the version before can't be served; the pointer stays.
        """
        return self._change(lambda: self._take_back(seen, why))

    @property
    def _pointer_file(self) -> Path:
        return self.folder / (f"served.{self.line}.json" if self.line else "served.json")

    def _lock(self) -> FileLock:
        """What changes the folder waits for whoever else does."""
        return FileLock(self.folder / ".lock")

    def _change(self, work: Callable[[], T]) -> T:
        """Do it on top of what everybody did; again, if another machine did something meanwhile."""
        with self._lock():
            for _ in range(OVERTAKEN_TIMES):
                if self._storage:
                    self._pull(self._storage)
                with suppress(OvertakenError):
                    return work()
        raise RegistryError("Other machines change the registry all the time. Try again")

    def _pull(self, storage: Storage) -> None:
        """Also what others cleared away goes here."""
        storage.pull()
        for version in self.all():
            if CLEARED_AWAY in version.facts and version.path.name not in storage.names:
                version.path.unlink(missing_ok=True)

    def _promote(self, name: str, why: str, by: Decider, judged_against: str) -> None:
        pointer = self.pointer()
        if judged_against and (served := self.chosen().name) != judged_against:
            raise RegistryError(f"{served} was chosen meanwhile, which it was not judged against")
        before = pointer.stack or (self._add(self.chosen().path, None, {}).name,)
        after = before if before[-1] == name else (*before, name)
        confirms = by == "person" and pointer.moves and pointer.moves[-1].by == "gate"
        if after != pointer.stack or confirms:
            self._point(after, why, by)

    def _rollback(self) -> Version:
        stack = self.pointer().stack
        left = stack[:-1]
        while left and self.get(left[-1]).is_cleared_away:
            left = left[:-1]
        if not left:
            raise RegistryError(f"No version was served before {stack[0] if stack else 'the shipped one'}")
        version = self.get(left[-1])
        load_checked(version.name, version.path, version.sha256)
        self._point(left, f"rolled back from {stack[-1]}")
        return version

    def _take_back(self, seen: Pointer, why: str) -> Version:
        if self.pointer() != seen:
            raise RegistryError("another version was promoted or rolled back to meanwhile")
        version = self.get(seen.stack[-2])
        load_checked(version.name, version.path, version.sha256)
        self._point(seen.stack[:-1], why, "watch")
        return version

    def _add(self, checkpoint: Path, parent: str | None, facts: dict[str, Any]) -> Version:
        version = self.of(checkpoint)
        path = self.folder / f"{version.name}.safetensors"
        if not path.with_suffix(".json").exists():
            version = replace(version, path=path, parent=parent, made_at=now())
        if not path.is_file() or sha256(path) != version.sha256:
            with replacing(path) as copy, checkpoint.open("rb") as original:
                shutil.copyfileobj(original, copy)
        if self._storage and path.name not in self._storage.names:
            self._storage.put_checkpoint(path)
        return self._write(version, facts)

    def _write(self, version: Version, facts: dict[str, Any]) -> Version:
        """Keep a version's card with these facts, too."""
        version = replace(version, facts=version.facts | facts)
        card = {name: value for name, value in asdict(version).items() if name != "path"}
        self._keep(self.folder / f"{version.name}.json", card)
        return version

    def _keep(self, file: Path, value: Any) -> None:
        if self._storage:
            self._storage.put_json(file.name, value)
        else:
            write_json(file, value)

    def _read(self, name: str) -> Version | None:
        """A version by its card; without a readable one, what its file tells; None without either."""
        path, card = self.folder / f"{name}.safetensors", self.folder / f"{name}.json"
        try:
            return VERSION.validate_python(json.loads(card.read_bytes()) | {"name": name, "path": path})
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, RecursionError) as error:
            log.warning("%s can't be read (%s)", card, error)
        if not path.is_file():
            return None
        return Version(name, path, None, changed_at(path), sha256(path))

    def _point(self, stack: tuple[str, ...], why: str, by: Decider = "person") -> None:
        """RegistryError or OSError leave the pointer as it is."""
        moves = (*self.pointer().moves, Move(stack[-1], why, now(), by))
        self._keep(self._pointer_file, POINTER.dump_python(Pointer(stack, moves), by_alias=True))


def now() -> str:
    """UTC, to the microsecond, so that versions made one after the other keep their order."""
    return datetime.now(UTC).isoformat()


def changed_at(file: Path) -> str:
    """When a file was written: UTC."""
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat()
