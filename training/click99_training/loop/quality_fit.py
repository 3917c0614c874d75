"""`click99 fit-quality`: teach the quality head, and nothing else, what each look at a picture is worth.

A mean of networks, or a network that was trained without a head, needs one of its own to choose between
windows by. The streams and the decoder stay as they are, and with them every look's mask, bit for bit: so the
looks are taken once, and what the head sees of them is fitted in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import track
from torch import Tensor, nn

from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.device import use_threads
from click99.segmentation.metrics import iou
from click99.segmentation.network import QualityHead, TwoStreamNetwork, place_among
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import robot_click
from click99.segmentation.views import Look
from click99_training.datasets.crops import is_inverted
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.registry import open_dataset
from click99_training.datasets.sample import Sample, inverted
from click99_training.recipes import RECIPES, Recipe

EPOCHS = 30
BATCH = 16  # pictures
RATE = 2e-3  # falling to nothing by the cosine
DECAY = 0.05
SHARPNESS = 10.0  # of the softmax: 0.1 more expected IoU is drawn e times as often
HELD_OUT = 10  # every so many-th picture judges the choice and is not learnt from


@dataclass(frozen=True)
class QualityFit:
    """What `click99 fit-quality` was asked for."""

    data: Path
    start_from: Path
    out: Path
    dataset: str = "manifest"
    pictures: int = 1500
    seed: int = 0
    threads: int = 2


class PictureLooks(NamedTuple):
    """After its first click. summaries: of the looks' masks [L, D]. ious: theirs [L]."""

    looks: list[Look]
    summaries: Tensor
    ious: Tensor

    @property
    def judged_by(self) -> Tensor:
        """What the head's `among` takes of each look: [L, 2 · D + 3]."""
        sides = [max(look.section.shape) for look in self.looks]
        places = torch.tensor([place_among(number, side, sides[0]) for number, side in enumerate(sides)])
        return torch.cat((self.summaries, self.summaries[:1].expand_as(self.summaries), places), 1)


class Choice(NamedTuple):
    """Mean IoU after one click on the pictures held out: of the first look, the chosen one, the best one."""

    first: float
    chosen: float
    best: float


def fit_quality(asked: QualityFit) -> Choice:
    """Fit the head on drawn pictures and write the network with it to `asked.out`.

    Raises:
        CheckpointError: `start_from` holds no network. ValueError: hardly a picture can be used; OSError,
            ValueError: as of `open_dataset`.
    """
    use_threads(asked.threads)
    data = open_dataset(asked.dataset, asked.data, "train")
    torch.manual_seed(asked.seed)
    network = with_head(load_checkpoint(asked.start_from))
    predictor = Predictor(network, "")
    drawn = track(range(asked.pictures), "looking at pictures", transient=True)
    pictures = list(looks_at(predictor, (draw(data, RECIPES["compact"], asked.seed, k) for k in drawn)))
    if len(pictures) < HELD_OUT:
        raise ValueError(f"{asked.data}: only {len(pictures)} of {asked.pictures} drawn pictures can be used")
    fit(head_of(network), [picture for k, picture in enumerate(pictures) if k % HELD_OUT])
    choice = judge(predictor, pictures[::HELD_OUT])
    save_checkpoint(network, asked.out, quality_of=asked.start_from.name, pictures=len(pictures))
    return choice


def with_head(network: TwoStreamNetwork) -> TwoStreamNetwork:
    """The network with a new head, looking through windows."""
    config = replace(network.config, quality=True, quality_among_looks=True, view="windows")
    fitted = TwoStreamNetwork(config)
    others = {name: part for name, part in network.state_dict().items() if not name.startswith("quality.")}
    fitted.load_state_dict(others, strict=False)
    return fitted.eval()


def head_of(network: TwoStreamNetwork) -> QualityHead:
    assert network.quality is not None
    return network.quality


def draw(data: SampleDataset, recipe: Recipe, seed: int, k: int) -> tuple[Sample, np.random.Generator] | None:
    """The k-th picture; None where it cannot be used."""
    rng = np.random.default_rng((seed, k))
    try:
        sample = data.draw(rng, recipe)
    except SampleError:
        return None
    if is_inverted(sample, recipe.inverted, rng):
        sample = inverted(sample)
    return (sample, rng) if sample.truth.any() else None


def looks_at(
    predictor: Predictor, drawn: Iterator[tuple[Sample, np.random.Generator] | None]
) -> Iterator[PictureLooks]:
    """The looks that pictures give after a click in the object, half of the time off its centre."""
    for sample, rng in filter(None, drawn):
        click = robot_click(
            sample.truth, np.zeros_like(sample.truth), sample.void, rng if rng.random() < 0.5 else None
        )
        if click is None:
            continue
        answers = list(predictor.answers(sample.image, [click], None, ""))
        predictor.features.clear()
        masks = [predictor.on_image(answer, [click]) > 0.5 for answer in answers]
        ious = [iou(mask, sample.truth, sample.void) for mask in masks]
        summaries = [answer.summary for answer in answers if answer.summary is not None]
        yield PictureLooks(
            [answer.look for answer in answers],
            torch.cat(summaries).clone(),
            torch.tensor(ious, dtype=torch.float32),
        )


def fit(head: QualityHead, pictures: list[PictureLooks]) -> None:
    """Two things at once: that the expected IoU is the IoU (cross-entropy, of a look by itself and among the
    others), and that a picture's best look is expected to be the best (the mean IoU of a look drawn by a
    softmax of what is expected).
    """
    assert head.among is not None
    seen, ious, there = _padded(pictures)
    mean, deviation = seen[there].mean(0), seen[there].std(0).clamp_min(1e-4)
    seen, alone = (seen - mean) / deviation, pictures[0].summaries.shape[1]
    optimizer = torch.optim.AdamW(head.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(seen)).split(BATCH):
            by_itself = head(seen[batch][..., :alone])
            logits = by_itself + head.among(seen[batch])[..., 0]
            loss = _loss(by_itself, logits, ious[batch], there[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    _fold(head.layers[0], mean[:alone], deviation[:alone])
    _fold(head.among[0], mean, deviation)


def _padded(pictures: list[PictureLooks]) -> tuple[Tensor, Tensor, Tensor]:
    """What judges them [N, L, 2 · D + 3], ious [N, L], and which of the L looks a picture has [N, L]."""
    seen = nn.utils.rnn.pad_sequence([picture.judged_by for picture in pictures], batch_first=True)
    ious = nn.utils.rnn.pad_sequence([picture.ious for picture in pictures], batch_first=True)
    looks = torch.tensor([len(picture.ious) for picture in pictures])
    return seen, ious, torch.arange(ious.shape[1]) < looks[:, None]


def _loss(by_itself: Tensor, logits: Tensor, ious: Tensor, there: Tensor) -> Tensor:
    """All [B, L]; a picture's looks weigh as much as another's."""
    shares = there / there.sum(1, keepdim=True)
    each, target = torch.stack((by_itself, logits)), torch.stack((ious, ious))
    expected = F.binary_cross_entropy_with_logits(each, target, shares, reduction="sum")
    drawn = (SHARPNESS * logits.sigmoid()).masked_fill(~there, -torch.inf).softmax(1)
    return (expected - (drawn * ious).sum()) / len(ious)


@torch.no_grad()
def _fold(layer: nn.Module, mean: Tensor, deviation: Tensor) -> None:
    """Let a linear layer that was fitted on (x − mean) / deviation take x."""
    assert isinstance(layer, nn.Linear)
    layer.weight.div_(deviation)
    layer.bias.sub_(layer.weight @ mean)


@torch.inference_mode()
def judge(predictor: Predictor, pictures: list[PictureLooks]) -> Choice:
    """What the head's choice is worth."""
    head, view = head_of(predictor.network), predictor.view
    expected = [_expected(head, picture) for picture in pictures]
    chosen = [view.choose(picture.looks, e) for picture, e in zip(pictures, expected, strict=True)]
    ious = [(p.ious[0], p.ious[k], p.ious.max()) for p, k in zip(pictures, chosen, strict=True)]
    return Choice(*(float(np.mean(column)) for column in zip(*ious, strict=True)))


def _expected(head: QualityHead, picture: PictureLooks) -> list[float]:
    """The IoU that is expected of each look."""
    summary, first, place = picture.judged_by.split([*[picture.summaries.shape[1]] * 2, head.PLACE], 1)
    return head.of_look(summary, first, place).sigmoid().tolist()
