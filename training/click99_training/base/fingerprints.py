"""What photographs look like to the shipped network: fingerprints of some that it was trained on.

The base set is small, as what ships may be passed on. These say better what a fine-tune is not for; a network
other than the shipped one sees images otherwise, so they say nothing to it.

    python -m click99_training.base.fingerprints DATA     (makes them anew, once another network ships)
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
import typer
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99_training.datasets.dataset import evenly
from click99_training.datasets.manifest import ManifestDataset

FILE = Path(__file__).with_name("fingerprints.safetensors")
PHOTOGRAPHS = 300  # half a kilobyte and more each; twice as many told images apart no better


def photographs(network: TwoStreamNetwork) -> Tensor:
    """[N, C] as this network sees them; none of another than the shipped one."""
    with safe_open(FILE, framework="pt") as file:
        known = file.metadata()["network"] == digest(network)
        return file.get_tensor("photographs").float() if known else torch.empty(0)


def digest(network: TwoStreamNetwork) -> str:
    """Of the weights that see the image, as a checkpoint keeps them."""
    whole = hashlib.sha256()
    for part in (network.encoder, network.pyramid):
        for tensor in part.state_dict().values():
            whole.update(tensor.detach().cpu().half().numpy().tobytes())
    return whole.hexdigest()


def make(data: Path) -> None:
    """data: a folder with a manifest.csv, as the shipped network was trained on."""
    shipped = Predictor.load()
    samples = evenly(ManifestDataset(data, "train"), PHOTOGRAPHS)
    rows = torch.stack([shipped.fingerprint(each.image, each.name).half() for each in samples])
    save_file({"photographs": rows}, FILE, {"network": digest(shipped.network)})


if __name__ == "__main__":
    typer.run(make)
