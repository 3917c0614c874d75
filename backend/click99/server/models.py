"""The checkpoints that a server answers with: the one it starts with, and those it served before."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from click99.registry.lines import group_of
from click99.registry.shared import StorageError
from click99.registry.versions import Registry, RegistryError, Version
from click99.server.caches import FEATURES
from click99.server.engines import EngineError, use_engine
from click99.server.settings import Settings

if TYPE_CHECKING:
    from click99.segmentation.predictor import Predictor

log = logging.getLogger(__name__)


def load_predictor(settings: Settings, project: str = "") -> Predictor:
    """What a server starts with, or what answers a project, with the configured device, engine and threads.
    torch is imported in here.

    The checkpoint that it is pinned to (CheckpointError if it is none). Else what the registry's pointer
    names, or the version before it if that can't be served, at last the shipped one. Of a shared registry
    that is away, as it was seen last.
    """
    from click99.segmentation.device import use_threads

    if settings.threads:
        use_threads(settings.threads)
    return _ready(_load(settings, group_of(project, settings.lines)), settings)


def _load(settings: Settings, group: str) -> Predictor:
    from click99.registry.check import load_checked
    from click99.segmentation.predictor import Predictor

    registry = Registry.at(settings.home, settings.registry_url)
    try:
        registry.pull()
    except (RegistryError, OSError) as error:
        log.error("%s. What this machine knows of it is served", error)
    if settings.model:
        predictor = Predictor.load(settings.model, settings.device)
        predictor.version = registry.of(settings.model).name
        return predictor
    for version in _promoted(registry.of_line(group if group in registry.lines() else "")):
        try:
            return load_checked(version.name, version.path, version.sha256, settings.device)
        except RegistryError as error:
            log.error("%s. The version before it is served", error)
    return Predictor.load(None, settings.device)


def load_served(settings: Settings, project: str = "") -> Predictor:
    """The same, kept in the registry: a server's objects are finished on it, whatever it serves later."""
    predictor = load_predictor(settings, project)
    keep_model(settings, predictor.version)
    return predictor


def _promoted(registry: Registry) -> Iterator[Version]:
    """What the pointer names, and then what it would name after a rollback, and so on."""
    try:
        stack = registry.pointer().stack
    except RegistryError as error:
        log.error("%s. The shipped version is served", error)
        return
    for name in reversed(stack):
        try:
            yield registry.get(name)
        except RegistryError as error:
            log.error("%s. The version before it is served", error)


def keep_model(settings: Settings, version: str) -> None:
    """Add the served checkpoint to the registry; where that can't be written, it is simply not kept."""
    from click99.segmentation.checkpoint import SHIPPED

    registry = Registry.at(settings.home, settings.registry_url)
    try:
        if version not in {known.name for known in registry.all()}:
            registry.add(settings.model or SHIPPED)
    except (OSError, StorageError) as error:
        log.warning("CLICK99_HOME: %s is not kept (%s)", version, error)


def load_version(version: Version, settings: Settings) -> Predictor:
    """A version of the registry that stands its trial. Errors: those of `load_checked` and `use_engine`."""
    from click99.registry.check import load_checked

    return _ready(load_checked(version.name, version.path, version.sha256, settings.device), settings)


def _ready(predictor: Predictor, settings: Settings) -> Predictor:
    """With the memory and the engine that the settings give it."""
    predictor.bound_features(FEATURES.of(settings))
    return use_engine(predictor, settings)


def load_older(settings: Settings, version: str) -> Predictor | None:
    """A version served before, here or on another machine; None when it is gone, damaged, or another one
    under its name."""
    registry = Registry.at(settings.home, settings.registry_url)
    try:
        if not (registry.folder / f"{version}.safetensors").is_file():
            registry.pull()
        return load_version(registry.get(version), settings)
    except (RegistryError, EngineError, OSError) as error:
        log.warning("%s", error)
        return None
