"""Checkpoints: safetensors with the network's configuration in the header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from click99.files import replacing, sha256
from click99.segmentation.generalist import Generalist
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import NetworkConfig

SHIPPED = Path(__file__).parent / "checkpoints" / "compact.safetensors"
GENERALIST = "generalist."  # what the names of its tensors begin with
PROJECTS = "projects"  # in the header: those of what was learnt
NAMED = 5  # of the tensors that do not fit, in a message


class CheckpointError(ValueError):
    """A file that holds no network of ours; the message names the file, what is wrong and the remedy."""


def save_checkpoint(
    network: TwoStreamNetwork,
    path: Path,
    dtype: torch.dtype = torch.float16,
    generalist: Generalist | None = None,
    **facts: Any,
) -> None:
    """Write the weights, with the configuration and `facts` about their training in the header.

    A generalist, of the same configuration, goes into the same file.

    fp16 halves the file and rounds the weights; float32 keeps them, and with them every result.

    Raises:
        OSError: the disk does not take it; what was at `path` stays as it was.
    """
    named = network.state_dict() | (_named(generalist) if generalist else {})
    tensors = {name: tensor.to(dtype).contiguous() for name, tensor in named.items()}
    header = {"config": json.dumps(asdict(network.config)), "facts": json.dumps(facts)}
    if generalist:
        header[PROJECTS] = json.dumps(sorted(generalist.projects))
    with replacing(path) as file:
        file.write(save(tensors, header))


def shipped() -> Path:
    """The checkpoint that SHA256SUMS beside it lists. CheckpointError: it is not as it was released."""
    listed = (line.split() for line in SHIPPED.with_name("SHA256SUMS").read_text().splitlines())
    expected = next((digest for digest, name in listed if name == SHIPPED.name), "")
    if not SHIPPED.is_file() or sha256(SHIPPED) != expected:
        raise CheckpointError(
            f"checkpoint {SHIPPED} is not the one that was released: its SHA-256 is not that of SHA256SUMS "
            "beside it. Install click99 again, or give another checkpoint"
        )
    return SHIPPED


def load_checkpoint(path: Path) -> TwoStreamNetwork:
    """The network of a checkpoint, in fp32 and evaluation mode; of a fine-tuned one, what was learnt.

    Raises:
        CheckpointError: no such file, not safetensors, or tensors that do not fit the configuration.
    """
    header, tensors = _read(path, lambda name: not name.startswith(GENERALIST))
    return _network(header, tensors, path)


def load_generalist(path: Path) -> Generalist | None:
    """What a fine-tuned checkpoint keeps of the network before, if it does. CheckpointError: as above."""
    header, tensors = _read(path, lambda name: name.startswith(GENERALIST))
    if not tensors:
        return None
    kept = {name.removeprefix(GENERALIST): tensor for name, tensor in tensors.items()}
    corrected, others = (kept.pop(name, torch.empty(0)) for name in ("corrected", "others"))
    whole = all(each.dim() == 2 and each.isfinite().all() for each in (corrected, others))
    if not whole or corrected.shape[1] != others.shape[1]:
        raise CheckpointError(f"checkpoint {path} lacks its generalist's fingerprints: copy it again")
    projects = frozenset[str](json.loads(header.get(PROJECTS, "[]")))
    return Generalist(_network(header, kept, path), corrected, others, projects)


def _named(generalist: Generalist) -> dict[str, torch.Tensor]:
    fingerprints = {"corrected": generalist.corrected, "others": generalist.others}
    tensors = generalist.network.state_dict() | fingerprints
    return {f"{GENERALIST}{name}": tensor for name, tensor in tensors.items()}


def _read(path: Path, wanted: Callable[[str], bool]) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Header and those tensors whose names are wanted, in fp32; the others are not read."""
    if not path.is_file():
        raise CheckpointError(f"checkpoint {path} does not exist: give the path of a .safetensors file")
    try:
        with safe_open(path, framework="pt") as file:
            names = filter(wanted, file.keys())
            return file.metadata() or {}, {name: file.get_tensor(name).float() for name in names}
    except SafetensorError as error:
        raise CheckpointError(
            f"checkpoint {path} is not a safetensors file ({error}): copy it again"
        ) from error


def _network(header: dict[str, str], tensors: dict[str, torch.Tensor], path: Path) -> TwoStreamNetwork:
    network = TwoStreamNetwork(_config(header, path))
    check_fit(network.state_dict(), tensors, f"checkpoint {path} does not fit its configuration")
    network.load_state_dict(tensors)
    return network.eval()


def checkpoint_version(path: Path) -> str:
    """A name that changes with the file's content: its stem and 8 hex digits of its SHA-256.

    A copy that is called by that name has the same version.
    """
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return f"{path.stem.removesuffix(f'-{digits}')}-{digits}"


def _config(header: dict[str, str], path: Path) -> NetworkConfig:
    if "config" not in header:
        raise CheckpointError(
            f"checkpoint {path} has no click99 configuration in its header: is it another program's?"
        )
    try:
        fields = json.loads(header["config"])
        return NetworkConfig(**{name: _tuples(value) for name, value in fields.items()})
    except (TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"checkpoint {path} has a configuration that this click99 does not know ({error}): update click99"
        ) from error


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def check_fit(wanted: dict[str, torch.Tensor], given: dict[str, torch.Tensor], complaint: str) -> None:
    """Names and shapes must be the same.

    Raises:
        CheckpointError: `complaint`, and the missing, surplus and misshaped tensors: the first five of each.
    """
    both = sorted(wanted.keys() & given.keys())
    problems = {
        "missing": sorted(wanted.keys() - given.keys()),
        "surplus": sorted(given.keys() - wanted.keys()),
        "misshaped": [
            f"{name} {list(given[name].shape)} instead of {list(wanted[name].shape)}"
            for name in both
            if given[name].shape != wanted[name].shape
        ],
    }
    if any(problems.values()):
        found = (f"{len(names)} {kind} ({_first(names)})" for kind, names in problems.items() if names)
        raise CheckpointError(f"{complaint}: {'; '.join(found)}")


def _first(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
