"""What computes a network's two streams: torch, as the network itself does ("eager"), or OpenVINO.

OpenVINO is faster on processors, and faster still in bf16 where they compute in it. Its masks are eager's but
for rounding, and its own bit for bit: a replay with as many threads on the same kind of machine gives the
same mask.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from click99.files import replacing
from click99.segmentation.network import ImageFeatures, NetworkOutput, TwoStreamNetwork
from click99.segmentation.traceable import ClickStream, ImageStream, with_channels_last_norms

SIDE = 64  # network pixels of what the streams are traced with; they take any size afterwards
DIGEST = hashlib.sha256().digest_size
PRECISIONS = {"openvino": "f32", "openvino-bf16": "bf16"}  # of the engines that convert a network
PROCESSOR = ("vendor_id", "cpu family", "model", "flags", "CPU part", "Features")  # lines of /proc/cpuinfo


class Engine(Protocol):
    """Arguments and answers are those of `TwoStreamNetwork`, which is the eager one."""

    @property
    def engine(self) -> str: ...

    def encode(
        self, image: Tensor, click_maps: Tensor | None = None, previous: Tensor | None = None
    ) -> ImageFeatures: ...

    def __call__(
        self, features: ImageFeatures, click_maps: Tensor, previous: Tensor, likeness: Tensor | None = None
    ) -> NetworkOutput: ...


class OpenVINO:
    """A network's streams for one image at a time, of any height and width. Thread-safe."""

    def __init__(self, network: TwoStreamNetwork, file: Path | None = None, engine: str = "openvino"):
        """
        Args:
            file: where the conversion, which takes seconds, is kept if it can be; a damaged one is made anew.
            engine: one of PRECISIONS.

        Raises:
            ModuleNotFoundError: OpenVINO is not installed.
            RuntimeError: it can't convert this network.
        """
        self.engine, settings = engine, _settings(engine)
        image, click = (file and _kept(file)) or _convert(network, file, settings)
        self._image, self._click = _request(image, settings), _request(click, settings)
        self._shared: dict[Any, list[np.ndarray]] = {}  # a request points at its arrays until its next ones
        self._lock = threading.Lock()  # a request is one thread's at a time
        self._network = network

    def encode(
        self, image: Tensor, click_maps: Tensor | None = None, previous: Tensor | None = None
    ) -> ImageFeatures:
        seen = _seen(self._network, image, click_maps, previous)
        normalised, *skips, context = self._run(self._image, seen)
        return ImageFeatures(normalised, skips, context)

    def __call__(
        self, features: ImageFeatures, click_maps: Tensor, previous: Tensor, likeness: Tensor | None = None
    ) -> NetworkOutput:
        known = _known(self._network, features, torch.zeros_like(previous) if likeness is None else likeness)
        alpha, logits, *summary = self._run(self._click, [click_maps, previous, *known])
        return NetworkOutput(alpha, logits, summary[0] if summary else None)

    def _run(self, request: Any, inputs: Sequence[Tensor]) -> list[Tensor]:
        arrays = [tensor.contiguous().numpy() for tensor in inputs]
        with self._lock:
            outputs = request.infer(arrays, share_inputs=True)  # the outputs are copies
            self._shared[request] = arrays
        return [torch.from_numpy(array) for array in outputs.to_tuple()]


def conversion_key(network: TwoStreamNetwork) -> str:
    """Another one wherever a kept conversion would not do: weights, code, versions, processor, threads."""
    key = hashlib.sha256(repr((network.config, torch.__version__, torch.get_num_threads())).encode())
    key.update(f"{_openvino().__version__}\n{_processor()}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        key.update(source.read_bytes())
    for name, tensor in sorted(network.state_dict().items()):
        key.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return key.hexdigest()[:32]


def _openvino() -> Any:
    """The module, without the one by which it would report each use of it to its makers.

    Its library of threads loads another one so that this frees by C's own allocator what a preloaded one has
    given, unless it is told not to: with jemalloc preloaded the process ended (uxlfoundation/oneTBB#1636).
    """
    sys.modules.setdefault("openvino_telemetry", None)  # pyright: ignore[reportArgumentType]
    os.environ.setdefault("TBB_ENABLE_SANITIZERS", "1")
    import openvino

    return openvino


@cache
def _core() -> Any:
    """The only one of this process: programs with several were seen to end by a segmentation fault
    (openvinotoolkit/openvino#35338, ultralytics#25864)."""
    return _openvino().Core()


def _processor() -> str:
    """What kind it is, and what it can do."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
        return "\n".join(line for line in lines if line.startswith(PROCESSOR))
    return ""


def conversions() -> list[str]:
    """Which of PRECISIONS this processor computes in itself: emulated, bf16 is slower than fp32."""
    able = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [name for name, precision in PRECISIONS.items() if precision == "f32" or precision.upper() in able]


def _settings(engine: str) -> dict[str, Any]:
    """As many threads as torch has, on one click at a time, not bound to cores that others use, too."""
    return {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": PRECISIONS[engine],
        "ENABLE_CPU_PINNING": False,
    }


def _request(converted: bytes, settings: dict[str, Any]) -> Any:
    model = _core().import_model(io.BytesIO(converted), "CPU", settings)
    return model.create_infer_request()


def _seen(
    network: TwoStreamNetwork, image: Tensor, click_maps: Tensor | None, previous: Tensor | None
) -> list[Tensor]:
    """What the image stream takes of these."""
    if network.image_only:
        return [image]
    others = [click_maps, previous] if network.config.feedback == "early" else [click_maps]
    return [image, *(tensor for tensor in others if tensor is not None)]


def _known(network: TwoStreamNetwork, features: ImageFeatures, likeness: Tensor) -> list[Tensor]:
    """What the click stream takes besides click maps and previous mask."""
    known = [features.image, features.context, *features.skips]
    return [likeness, *known] if network.config.likeness else known


def _kept(file: Path) -> tuple[bytes, bytes] | None:
    """Both streams' conversions; None where there are none, or damaged ones."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, body = content[:DIGEST], content[DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        return None
    end = 8 + int.from_bytes(body[:8])
    return body[8:end], body[end:]


def _keep(file: Path, image: bytes, click: bytes) -> None:
    body = len(image).to_bytes(8) + image + click
    with suppress(OSError), replacing(file) as whole:
        whole.write(hashlib.sha256(body).digest() + body)


def _convert(network: TwoStreamNetwork, file: Path | None, settings: dict[str, Any]) -> tuple[bytes, bytes]:
    image, click = [_compiled(model, settings) for model in traced(network)]
    if file:
        _keep(file, image, click)
    return image, click


@torch.no_grad()
def traced(network: TwoStreamNetwork) -> tuple[Any, Any]:
    """Its image stream and its click stream as OpenVINO's models, for any height and width."""
    network = with_channels_last_norms(network)
    image, previous = torch.rand(1, 3, SIDE, SIDE), torch.rand(1, 1, SIDE, SIDE)
    click_maps = torch.rand(1, network.config.click_channels, SIDE, SIDE)
    known = _known(network, network.encode(image, click_maps, previous), torch.rand_like(previous))
    return (
        _model(ImageStream(network), _seen(network, image, click_maps, previous)),
        _model(ClickStream(network), [click_maps, previous, *known]),
    )


def _model(stream: nn.Module, inputs: list[Tensor]) -> Any:
    openvino = _openvino()
    shapes = [openvino.PartialShape([1, tensor.shape[1], -1, -1]) for tensor in inputs]
    with warnings.catch_warnings(action="ignore"):  # what is constant in a trace, and that tracing is old
        return openvino.convert_model(stream, input=shapes, example_input=tuple(inputs))


def _compiled(model: Any, settings: dict[str, Any]) -> bytes:
    return _core().compile_model(model, "CPU", settings).export_model().getvalue()
