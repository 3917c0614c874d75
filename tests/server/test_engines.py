"""CLICK99_ENGINE: what is chosen, what is kept of it, and that nothing stands in a click's way."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from click99.registry.versions import Registry
from click99.segmentation import engine
from click99.segmentation.checkpoint import save_checkpoint
from click99.segmentation.clicks import Click
from click99.segmentation.generalist import Generalist
from click99.segmentation.network import ImageFeatures, NetworkOutput, TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import COMPACT
from click99.server import engines
from click99.server.engines import EngineComparison, EngineError, EngineTrial, compare, use_engine
from click99.server.models import load_older, load_version
from click99.server.settings import Settings
from click99.sessions import MemoryStore, Sessions
from tests.openvino_engine import needs_openvino


def measured(eager: float, openvino: float, agreement: float = 1.0, **more: float) -> EngineComparison:
    others = {name: EngineTrial(milliseconds, 1.0) for name, milliseconds in more.items()}
    tried = {"eager": EngineTrial(eager, 1.0), "openvino": EngineTrial(openvino, agreement)}
    return EngineComparison(tried | others)


FASTER, SLOWER = measured(100, 60), measured(60, 100)
FASTEST = measured(100, 60, **{"openvino-bf16": 40})


class Inverted:
    """An engine whose masks are not the network's."""

    def __init__(self, network: TwoStreamNetwork, file: Path | None = None, engine: str = "openvino"):
        self.network, self.engine = network, engine
        self.encode = network.encode

    def __call__(
        self,
        features: ImageFeatures,
        click_maps: torch.Tensor,
        previous: torch.Tensor,
        likeness: torch.Tensor | None = None,
    ) -> NetworkOutput:
        output = self.network(features, click_maps, previous, likeness)
        return output._replace(alpha=1 - output.alpha)


@pytest.fixture
def predictor() -> Predictor:
    torch.manual_seed(0)
    return Predictor(TwoStreamNetwork(COMPACT), "untrained-1")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO is not needed."""
    monkeypatch.setattr(engine, "OpenVINO", Inverted)
    monkeypatch.setattr(engine, "conversion_key", lambda network: f"{network.encoder.stem.weight.sum()}")
    monkeypatch.setattr(engine, "conversions", lambda: ["openvino"])


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EngineComparison]]:
    """What the next ones find; empty: no further one is expected."""
    found: list[EngineComparison] = []
    monkeypatch.setattr(engines, "compare", lambda *_: found.pop(0))
    yield found
    assert not found


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        (FASTER, "openvino"),
        (SLOWER, "eager"),
        (measured(100, 60, 0.99), "eager"),
        (FASTEST, "openvino-bf16"),
    ],
)
@pytest.mark.usefixtures("stand_in")
def test_auto_takes_the_fastest_one_whose_masks_agree_and_keeps_the_choice(
    tmp_path: Path,
    predictor: Predictor,
    comparisons: list[EngineComparison],
    comparison: EngineComparison,
    expected: str,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO)
    comparisons.append(comparison)
    settings = Settings(home=tmp_path, engine="auto")
    assert use_engine(predictor, settings).engine == expected
    again = use_engine(Predictor(predictor.network, "untrained-1"), settings)
    assert again.engine == expected
    assert [f"computed by {expected}" in message for message in caplog.messages] == [True, True]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"eager": 1}',
        b"{}",
        b'{"openvino": [60, 1]}',
        b'{"eager": [100]}',
        b'{"eager": ["fast", 1], "openvino": [60, 1]}',
    ],
)
@pytest.mark.usefixtures("stand_in")
def test_a_choice_that_cannot_be_read_is_made_anew(
    tmp_path: Path, predictor: Predictor, comparisons: list[EngineComparison], damage: bytes
):
    settings = Settings(home=tmp_path, engine="auto")
    comparisons += [SLOWER, FASTER]
    assert use_engine(predictor, settings).engine == "eager"
    (kept,) = (tmp_path / "engines").glob("*.json")
    kept.write_bytes(damage)
    assert use_engine(predictor, settings).engine == "openvino"


@pytest.mark.usefixtures("stand_in")
def test_another_network_is_compared_for_itself(
    tmp_path: Path, predictor: Predictor, comparisons: list[EngineComparison]
):
    settings = Settings(home=tmp_path, engine="auto")
    comparisons += [FASTER, SLOWER]
    other = Predictor(TwoStreamNetwork(COMPACT), "untrained-2")
    assert [use_engine(each, settings).engine for each in (predictor, other)] == ["openvino", "eager"]


@pytest.mark.usefixtures("stand_in")
def test_both_networks_of_a_fine_tuned_version_get_it(tmp_path: Path, comparisons: list[EngineComparison]):
    before = Generalist(TwoStreamNetwork(COMPACT), torch.ones(2, 3), torch.zeros(4, 3))
    tuned = Predictor(TwoStreamNetwork(COMPACT), "tuned-1", generalist=before)
    comparisons.append(FASTER)
    use_engine(tuned, Settings(home=tmp_path, engine="auto"))
    assert [part.engine for part in tuned.parts] == ["openvino", "openvino"]
    assert [part.streams.network for part in tuned.parts] == [tuned.network, before.network]  # pyright: ignore


@pytest.mark.slow("converts a network")
@pytest.mark.usefixtures("stand_in")
def test_a_version_gets_it_before_it_answers(
    tmp_path: Path, predictor: Predictor, comparisons: list[EngineComparison]
):
    """One that is promoted, and one that an open object was begun with."""
    save_checkpoint(predictor.network, tmp_path / "tuned.safetensors")
    version = Registry.at(tmp_path).add(tmp_path / "tuned.safetensors")
    settings = Settings(home=tmp_path, engine="auto")
    comparisons.append(FASTER)
    assert load_version(version, settings).engine == "openvino"
    older = load_older(settings, version.name)
    assert older
    assert older.engine == "openvino"


@pytest.mark.slow("converts a network")
def test_masks_that_differ_are_seen(predictor: Predictor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "SECONDS", 0.0)
    found = compare(
        predictor, {"openvino": [predictor.network], "openvino-bf16": [Inverted(predictor.network)]}
    )
    assert min(trial.milliseconds for trial in found.trials.values()) > 1
    assert found.trials["openvino"].agreement == 1
    assert found.trials["openvino-bf16"].agreement < 0.9
    assert found.chosen != "openvino-bf16"


def test_without_openvino_auto_is_eager_and_says_so_once(
    tmp_path: Path,
    predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO)
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert use_engine(predictor, Settings(home=tmp_path, engine="auto")).engine == "eager"
    (message,) = caplog.messages
    assert 'openvino is not installed: pip install ".[openvino]"' in message
    with pytest.raises(ModuleNotFoundError):
        use_engine(predictor, Settings(home=tmp_path, engine="openvino"))


@pytest.mark.usefixtures("stand_in")
def test_a_network_that_openvino_cannot_run(
    tmp_path: Path,
    predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    def fails(*_: object) -> None:
        raise RuntimeError("no such operation\nand much more")

    monkeypatch.setattr(engine, "OpenVINO", fails)
    with pytest.raises(EngineError, match=r"untrained-1 \(no such operation\)\. Set CLICK99_ENGINE=eager"):
        use_engine(predictor, Settings(home=tmp_path, engine="openvino"))
    assert use_engine(predictor, Settings(home=tmp_path, engine="auto")).engine == "eager"
    assert "no such operation" in caplog.text


@pytest.mark.usefixtures("stand_in")
def test_where_nothing_can_be_kept_auto_is_eager(predictor: Predictor, caplog: pytest.LogCaptureFixture):
    """Else two workers might choose differently."""
    assert use_engine(predictor, Settings(home=Path("/proc/nowhere"), engine="auto")).engine == "eager"
    assert "/proc/nowhere" in caplog.text


@pytest.mark.usefixtures("stand_in")
def test_a_gpu_computes_for_itself(tmp_path: Path, predictor: Predictor):
    predictor.device = torch.device("cuda")
    for name in ("auto", "openvino"):
        assert use_engine(predictor, Settings(home=tmp_path, engine=name)).engine == "eager"


@pytest.mark.slow("converts a network")
def test_states_of_another_engine_are_not_gone_on_from(predictor: Predictor):
    """So a mask is wholly of one engine, whatever a server is started with between two clicks."""
    image = np.zeros((48, 64, 3), np.uint8)
    clicks = [Click(10, 12, True, "a"), Click(30, 20, True, "b"), Click(14, 15, False, "c")]
    other = Predictor(predictor.network, "untrained-1")
    other.streams = Inverted(predictor.network)
    store, fresh = MemoryStore(1 << 20, 60), MemoryStore(1 << 20, 60)
    Sessions(predictor, store).mask("image", image, clicks[:2])
    found = Sessions(other, store).mask("image", image, clicks).alpha
    assert np.array_equal(found, Sessions(other, fresh).mask("image", image, clicks).alpha)
    back = Sessions(predictor, store).mask("image", image, clicks).alpha
    assert np.array_equal(
        back, Sessions(predictor, MemoryStore(1 << 20, 60)).mask("image", image, clicks).alpha
    )
    assert not np.array_equal(back, found)


@needs_openvino
@pytest.mark.slow("converts a network")
def test_auto_for_real(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    settings = Settings(home=tmp_path, engine="auto")
    first = use_engine(Predictor.load(device="cpu"), settings)
    assert "with openvino (its masks agree to IoU 1.0000)" in caplog.text
    assert use_engine(Predictor.load(device="cpu"), settings).engine == first.engine
    kept = {file.suffix for file in (tmp_path / "engines").glob("*.openvino*")}
    assert kept == {f".{name}" for name in engine.conversions()}
