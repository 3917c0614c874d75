from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from click99.cli import app
from click99.labelstudio import brush
from click99.segmentation.checkpoint import CheckpointError, load_checkpoint
from click99.segmentation.clicks import Click
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import PAPER, variant
from click99.segmentation.released import import_weights, with_image_stream
from click99.server.app import create_app
from click99.server.settings import Settings
from tests.segmentation import released_layout as theirs
from tests.server.requests import HEIGHT, WIDTH, body, encoded, keypoint

pytestmark = pytest.mark.slow("the paper's network is large")


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return theirs.draw(theirs.released_shapes())


@pytest.fixture(scope="module")
def imported(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `click99 import-weights` makes of them."""
    folder = tmp_path_factory.mktemp("released")
    file, checkpoint = folder / "released.pth", folder / "paper.safetensors"
    torch.save(weights, file)
    result = CliRunner().invoke(app, ["import-weights", str(file), str(checkpoint)])
    assert result.exit_code == 0, result.output
    assert f"click99 serve --model {checkpoint}" in result.output
    yield checkpoint
    file.unlink()  # 150 MB each
    checkpoint.unlink()


def test_every_released_tensor_lands(weights: dict[str, Tensor], imported: Path):
    network = load_checkpoint(imported)
    assert network.config == PAPER
    landed = list(network.state_dict().values())
    assert len(landed) == len(weights)
    left = {name: tensor for name, tensor in weights.items() if not any(map(tensor.equal, landed))}
    assert not left


def test_it_computes_what_its_authors_describe(weights: dict[str, Tensor], imported: Path):
    network = load_checkpoint(imported)
    generator = torch.Generator().manual_seed(2)
    image, previous = (torch.rand(1, channels, 64, 96, generator=generator) for channels in (3, 1))
    sites = torch.zeros(1, 2, 64, 96)
    sites[0, 1, 20, 30] = sites[0, 1, 20, 31] = sites[0, 0, 50, 80] = 1
    with torch.no_grad():
        expected = theirs.forward(weights, image, sites, previous)
        maps = theirs.gaussians(sites)
        alpha, *_ = network(network.encode(image, maps, previous), maps, previous)
    assert 0.1 < expected.std() < 0.5
    torch.testing.assert_close(alpha, expected, rtol=0, atol=1e-3)


def test_the_predictor_clicks_as_the_authors_inference_code(weights: dict[str, Tensor], imported: Path):
    predictor = Predictor.load(imported, device="cpu")
    image = np.random.default_rng(3).integers(0, 256, (50, 75, 3), np.uint8)
    places = [(60, 40, False), (20, 30, True), (70, 5, True)]
    alpha = None
    for k in range(1, len(places) + 1):
        previous = np.zeros((50, 75), np.float32) if alpha is None else alpha
        expected = theirs.refine(weights, image, places[:k], previous.copy())
        alpha = predictor.refine(image, [Click(*place) for place in places[:k]], alpha, "image")
        assert 0 < (expected > 0.5).mean() < 1
        same = np.isclose(alpha, expected, rtol=0, atol=0.5 / 255 + 1e-3)
        assert same.mean() > 0.999  # a pixel at half by its last bit may be in a part that goes or not


def test_the_server_clicks_with_it(weights: dict[str, Tensor], imported: Path, tmp_path: Path):
    server = TestClient(create_app(Settings(home=tmp_path, model=imported)))
    response = server.post("/predict", json=body([keypoint("one", 20, 30)]))
    assert response.status_code == 200, response.text
    item = response.json()["results"][0]["result"][0]
    mask = brush.decode(item["value"]["rle"], HEIGHT, WIDTH) > 127
    noise = np.asarray(Image.open(io.BytesIO(encoded())))
    expected = theirs.refine(weights, noise, [(20, 30, True)], np.zeros((HEIGHT, WIDTH), np.float32))
    clear = np.abs(expected - 0.5) > 1e-3
    assert 0 < mask.mean() < 1
    np.testing.assert_array_equal(mask[clear], expected[clear] > 0.5)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_imagenet_weights_fill_the_image_stream(tmp_path: Path, prefix: str):
    released = theirs.draw(theirs.resnet_shapes(3))
    classifier = {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    file, out = tmp_path / "R-50-GN-WS.pth.tar", tmp_path / "start.safetensors"
    torch.save({prefix + name: tensor for name, tensor in (released | classifier).items()}, file)
    assert import_weights(file, out) == "imagenet"
    landed = load_checkpoint(out).encoder.state_dict()
    assert landed.keys() == released.keys()
    assert not landed["conv1.weight"][:, 3:].any()
    landed["conv1.weight"] = landed["conv1.weight"][:, :3]
    assert [name for name, tensor in released.items() if not landed[name].equal(tensor)] == []
    file.unlink()
    out.unlink()


def test_any_variant_of_paper_starts_from_an_image_stream():
    given = theirs.draw(theirs.resnet_shapes(9))
    network = with_image_stream(given, variant(PAPER, "+T"))
    landed = network.encoder.state_dict()
    assert landed["layer4.2.conv3.weight"].equal(given["layer4.2.conv3.weight"])
    assert landed["conv1.weight"][:, :3].equal(given["conv1.weight"][:, :3])
    assert not landed["conv1.weight"][:, 3:].any()
    drawn = network.state_dict()["decoder.stages.3.0.0.weight"]
    assert float(drawn.std()) == pytest.approx((2 / drawn[0].numel()) ** 0.5, rel=0.05)


def test_missing_surplus_and_misshaped_tensors_are_named(tmp_path: Path):
    released = theirs.draw(theirs.resnet_shapes(3))
    del released["layer1.0.bn1.bias"]
    released["layer9.weight"] = torch.zeros(1)
    released["bn1.weight"] = torch.zeros(32)
    torch.save(released, tmp_path / "broken.pth")
    with pytest.raises(CheckpointError) as error:
        import_weights(tmp_path / "broken.pth", tmp_path / "out.safetensors")
    assert str(error.value).endswith(
        "broken.pth is not a ResNet-50 with GroupNorm and Weight Standardisation: "
        "1 missing (layer1.0.bn1.bias); 1 surplus (layer9.weight); "
        "1 misshaped (bn1.weight [32] instead of [64])"
    )
    assert not (tmp_path / "out.safetensors").exists()


def test_a_released_network_with_a_tensor_less_is_refused_by_its_own_names(tmp_path: Path):
    names = dict.fromkeys(theirs.released_shapes(), torch.zeros(()))
    torch.save(names, tmp_path / "flat.pth")
    with pytest.raises(
        CheckpointError, match=r"not the released network.*decoder\.conv_up1\.0\.bias \[\] inst"
    ):
        import_weights(tmp_path / "flat.pth", tmp_path / "out.safetensors")


@pytest.mark.parametrize(
    ("file", "out", "message"),
    [
        ("nowhere.pth", "out.safetensors", "nowhere.pth does not exist"),
        ("weights.pth", "weights.pth", "let it end in .safetensors"),
        ("weights.pth", "taken/out.safetensors", "taken"),
    ],
    ids=["no file", "onto itself", "no folder"],
)
def test_the_command_tells_it_plainly(tmp_path: Path, file: str, out: str, message: str):
    (tmp_path / "taken").touch()
    torch.save(theirs.draw(theirs.resnet_shapes(3)), tmp_path / "weights.pth")
    before = (tmp_path / "weights.pth").stat().st_size
    result = CliRunner().invoke(app, ["import-weights", str(tmp_path / file), str(tmp_path / out)])
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert message in result.output
    assert (tmp_path / "weights.pth").stat().st_size == before
    (tmp_path / "weights.pth").unlink()  # 94 MB


@pytest.mark.parametrize("content", [None, [1, 2], {"a": 1}], ids=["no file", "a list", "no tensors"])
def test_files_without_weights(tmp_path: Path, content: object):
    file = tmp_path / "weights.pth"
    if content is not None:
        torch.save(content, file)
    with pytest.raises(CheckpointError, match=r"does not exist|holds no state dict"):
        import_weights(file, tmp_path / "out.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>sign in to download</html>",
        b"file,label\n",
        b"\x80\x02}q\x00.",
        b"PK\x03\x04 cut off",
        b"\x89PNG",
    ],
)
def test_a_file_that_torch_did_not_write_is_told_in_words_of_ours(tmp_path: Path, content: bytes):
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        import_weights(tmp_path / "weights.pth", tmp_path / "out.safetensors")
    assert str(error.value).endswith(
        f"weights.pth is no file of weights that torch.save wrote: {len(content)} bytes that begin with "
        f"{content[:16]!r}. Give the .pth file as it was released; if it is, download it again"
    )


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before PyTorch 1.6"])
def test_a_file_with_more_than_tensors_is_not_read(tmp_path: Path, zipped: bool):
    content = {"bn1.weight": torch.zeros(1), "path": tmp_path}
    torch.save(content, tmp_path / "weights.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"weights\.pth holds more than tensors.* Save its state_dict"):
        import_weights(tmp_path / "weights.pth", tmp_path / "out.safetensors")


def test_a_zip_of_something_else_is_none(tmp_path: Path):
    with ZipFile(tmp_path / "weights.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match=r"is no file of weights that torch\.save wrote: .* bytes"):
        import_weights(tmp_path / "weights.pth", tmp_path / "out.safetensors")
