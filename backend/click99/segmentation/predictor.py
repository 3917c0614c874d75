"""Image + clicks + previous mask → alpha at the image's own size.

Every step is a pure function of its arguments, so that replaying clicks gives the same masks bit for bit.
Only the image stream's features are kept, in a cache bounded by bytes, behind a lock, and which network
answers an image, if there are two; any thread may call. Passes of the streams take turns (turns.py); what is
done with pixels before and after them does not, and waits for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from cachetools import LRUCache
from torch import Tensor

from click99.segmentation.checkpoint import checkpoint_version, load_checkpoint, load_generalist, shipped
from click99.segmentation.click_maps import click_maps
from click99.segmentation.clicks import Click
from click99.segmentation.device import chosen_device
from click99.segmentation.engine import Engine
from click99.segmentation.generalist import Generalist, fingerprint
from click99.segmentation.network import ImageFeatures, TwoStreamNetwork, place_among
from click99.segmentation.prior import UNKNOWN, Prior, repaired
from click99.segmentation.turns import turn
from click99.segmentation.views import Look, Section, View, keep_asked, through, view_of
from click99.stages import stage

FEATURE_BYTES = 256 * 2**20  # of the image features that are kept
CHOICES = 10_000  # images whose network is remembered


class LookAnswer(NamedTuple):
    """What one look makes of a click.

    before: the previous mask that it saw, float32 [H, W]. alpha: its answer at the network's size, float32
    [h, w]. summary: of that mask, [1, D]; None without a quality head. quality: the IoU that the network
    expects of it, 0 without a quality head.
    """

    look: Look
    before: np.ndarray
    alpha: np.ndarray
    summary: Tensor | None = None
    quality: float = 0.0


class Estimate(NamedTuple):
    """alpha: float32 [H, W], multiples of 1/255. quality: the IoU, 0…1, that the network expects of it; from
    one without a quality head, its sureness."""

    alpha: np.ndarray
    quality: float


class Predictor:
    """A network ready for clicks; a fine-tuned one maybe with its generalist."""

    def __init__(
        self,
        network: TwoStreamNetwork,
        version: str,
        device: str = "cpu",
        view: View | None = None,
        generalist: Generalist | None = None,
    ):
        """`view`: how the network looks at images; as its configuration says if not given."""
        self.version = version
        self.device = torch.device(device)
        self.view = view or view_of(network.config.view, network.config.quality_among_looks)
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)  # pyright: ignore
        self.streams: Engine = self.network
        self.features: LRUCache[tuple, ImageFeatures] = LRUCache(FEATURE_BYTES, feature_bytes)
        self.lock = threading.Lock()  # on the features
        self.generalist = generalist
        name = f"the one before {version}"
        self.before = Predictor(generalist.network, name, device, view) if generalist else None
        self.chosen: dict[str, Predictor] = {}

    @classmethod
    def load(cls, checkpoint: Path | None = None, device: str = "auto") -> Predictor:
        """The shipped network, or the one in a checkpoint file; on a GPU where there is one.

        Raises:
            CheckpointError: the file holds no network of ours, or the shipped one is not as it was released.
        """
        path = checkpoint or shipped()
        network, generalist = load_checkpoint(path), load_generalist(path)
        return cls(network, checkpoint_version(path), chosen_device(device), generalist=generalist)

    def bound_features(self, most: int) -> None:
        """Keep so many bytes of image features, of each of its networks."""
        for part in self.parts:
            part.features = LRUCache(most, feature_bytes)

    @property
    def engine(self) -> str:
        """The name of what computes its networks: masks are the same bit for bit with the same one only."""
        return self.streams.engine

    @property
    def parts(self) -> list[Predictor]:
        """Each of its networks by itself, the one that was trained last first."""
        return [self, self.before] if self.before else [self]

    def learnt_from(self, project: str) -> bool:
        """Whether all of the project's images are this network's to answer, whatever they look like."""
        return bool(self.generalist and project in self.generalist.projects)

    def for_image(self, image: np.ndarray, image_key: str, project: str = "") -> Predictor:
        """Who answers clicks on this image, uint8 RGB [H, W, 3], of the project, as the record calls it: this
        network or the one before it."""
        if not (self.generalist and self.before) or self.learnt_from(project):
            return self
        chosen = self.chosen.get(image_key)
        if chosen is None:
            general = self.generalist.answers(self.before.fingerprint(image, image_key))
            chosen = self.before if general else self
            if len(self.chosen) >= CHOICES:
                self.chosen.clear()
            self.chosen[image_key] = chosen
        return chosen

    @torch.inference_mode()
    def fingerprint(self, image: np.ndarray, image_key: str) -> Tensor:
        """What the image looks like to the image stream before the first click: [C]."""
        section, size = self._first_look(image)
        maps = click_maps([[]], *size, self.network.config.click_encoding, self.device)
        nothing = torch.zeros_like(maps[:, :1])
        return fingerprint(self._features(image, image_key, section, size, maps, nothing))

    def prepare(self, image: np.ndarray, image_key: str) -> None:
        """Compute what the first click on this image needs, where it can be known: uint8 RGB [H, W, 3]."""
        if self.network.image_only:
            self._encode(image, image_key, *self._first_look(image))

    def refine(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        prior: Prior = UNKNOWN,
    ) -> np.ndarray:
        """One click's alpha; as `judged`, without what is expected of it."""
        return self.judged(image, clicks, previous, image_key, prior).alpha

    def judged(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        prior: Prior = UNKNOWN,
    ) -> Estimate:
        """One click's output.

        Args:
            image: uint8 RGB [H, W, 3].
            clicks: all so far, the last one new; at least one, all inside the image.
            previous: the alpha after all but the last, as this returns it; None before the first.
            image_key: names the image's content, for the feature cache.
            prior: what was known of the object before its first click.
        """
        answers, worth = [], []
        for answer in self.answers(image, clicks, previous, image_key, prior):
            answers.append(answer)
            worth.append(answer.quality - prior.surprise(self._area(answer, clicks) if prior.areas else 0))
            if worth[-1] >= answer.look.enough:
                break
        chosen = self.view.choose([answer.look for answer in answers], worth)
        alpha = self.on_image(answers[chosen], clicks)
        quantise(alpha[answers[chosen].look.section.area])  # the rest is, as it was before
        if previous is not None and self._maps(prior) and not self.network.config.likeness:
            alpha = repaired(alpha, previous, clicks[-1])
        return Estimate(alpha, answers[chosen].quality if self.network.quality else sureness(alpha))

    def answers(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        prior: Prior = UNKNOWN,
    ) -> Iterator[LookAnswer]:
        """What each look at the image makes of the last click; arguments as of `refine`."""
        nothing = np.zeros(image.shape[:2], np.float32)
        before, first = nothing if previous is None else previous, None
        looks, likeness = self.view.looks(before, clicks), self.network.config.likeness
        alike = self._map(image, image_key, prior) if likeness or previous is None else None
        if alike is not None and not likeness:
            looks, before, alike = looks[:1], self.view.restore(alike, image.shape[:2]), None
        for number, look in enumerate(looks):
            answer = self._run(image, image_key, clicks, nothing if look.anew else before, alike, look)
            first = first or answer
            yield self._with_quality(answer, number, first)

    def evidence(self, image: np.ndarray, image_key: str) -> np.ndarray | None:
        """What the image stream sees all over the image at strides 8 and 16: float32 [C, h, w].

        None where it sees the clicks, too. Arguments as of `refine`.
        """
        if not self.network.image_only:
            return None
        features = self._encode(image, image_key, *self._first_look(image))
        return features.evidence[0].float().cpu().numpy()

    def _map(self, image: np.ndarray, image_key: str, prior: Prior) -> np.ndarray | None:
        """Where the object may be, float32 [h, w] in 0…1; None: that is not known, or of another network."""
        features = self.evidence(image, image_key) if self._maps(prior) else None
        if features is None or prior.discriminant is None:
            return None
        return prior.discriminant.map(features)

    def _maps(self, prior: Prior) -> bool:
        """Whether there is a map of an object with that prior."""
        return prior.discriminant is not None and prior.discriminant.network == self.version

    def _area(self, answer: LookAnswer, clicks: Sequence[Click]) -> float:
        """Of the clicked parts of a look's mask, in image pixels."""
        section, size = answer.look.section, answer.look.size
        placed = self.view.place(clicks, section, size)
        asked = [Click(round(x), round(y), positive) for x, y, positive in placed]
        inside = [c for c in asked if 0 <= c.x < size[1] and 0 <= c.y < size[0]]
        share = float((keep_asked(answer.alpha.copy(), inside) > 0.5).mean())
        return share * section.shape[0] * section.shape[1]

    def on_image(self, answer: LookAnswer, clicks: Sequence[Click]) -> np.ndarray:
        """A look's answer as the alpha of the image, obeying the clicks: float32 [H, W]."""
        anew, section = answer.look.anew, answer.look.section
        alpha = np.zeros(answer.before.shape, np.float32) if anew else answer.before.copy()
        alpha[section.area] = self.view.restore(answer.alpha, section.shape)
        return self.view.obey(alpha, clicks, answer.before)

    @torch.inference_mode()
    def _run(
        self,
        image: np.ndarray,
        image_key: str,
        clicks: Sequence[Click],
        previous: np.ndarray,
        alike: np.ndarray | None,
        look: Look,
    ) -> LookAnswer:
        placed = self.view.place(clicks, look.section, look.size)
        encoding = self.network.config.click_encoding
        maps = click_maps([placed], *look.size, encoding, self.device)
        fed_back = np.zeros(look.size, np.float32)  # what a mask of nothing becomes, in no time
        if not look.anew:
            fed_back = self.view.resize(self.view.before(previous, clicks)[look.section.area], look.size)
        before = torch.from_numpy(fed_back)[None, None].to(self.device)
        features = self._features(image, image_key, look.section, look.size, maps, before)
        likeness = self._likeness(alike, look, image.shape)
        with turn(), stage("click"):
            output = self.streams(features, maps, before, likeness)
        return LookAnswer(look, previous, output.alpha[0, 0].float().cpu().numpy(), output.summary)

    def _likeness(self, alike: np.ndarray | None, look: Look, shape: tuple[int, ...]) -> Tensor | None:
        """A map as a look at an image of that shape shows it to the network: [1, 1, h, w] in −1…1."""
        if alike is None:
            return None
        return torch.from_numpy(2 * through(look, alike, shape) - 1)[None, None].to(self.device)

    @torch.inference_mode()
    def _with_quality(self, answer: LookAnswer, number: int, first: LookAnswer) -> LookAnswer:
        """With the IoU that is expected of it, as one of a click's looks."""
        head, summary = self.network.quality, answer.summary
        if head is None or summary is None or first.summary is None:
            return answer
        place = place_among(number, max(answer.look.section.shape), max(first.look.section.shape))
        quality = head.of_look(summary, first.summary, torch.tensor([place], device=self.device))
        return answer._replace(quality=float(quality.sigmoid()))

    def _first_look(self, image: np.ndarray) -> tuple[Section, tuple[int, int]]:
        look, *_ = self.view.looks(np.zeros(image.shape[:2], np.float32), ())
        return look.section, look.size

    def _features(
        self,
        image: np.ndarray,
        image_key: str,
        section: Section,
        size: tuple[int, int],
        maps: Tensor,
        previous: Tensor,
    ) -> ImageFeatures:
        if self.network.image_only:
            return self._encode(image, image_key, section, size)
        pixels = self._pixels(image, section, size)
        with turn():
            return self.streams.encode(pixels, maps, previous)

    @torch.inference_mode()
    def _encode(
        self, image: np.ndarray, image_key: str, section: Section, size: tuple[int, int]
    ) -> ImageFeatures:
        """Kept, or computed now; once, if several ask at the same time."""
        key = (image_key, section, size)
        if (kept := self._kept(key)) is not None:
            return kept
        pixels = self._pixels(image, section, size)
        with turn():
            if (kept := self._kept(key)) is not None:
                return kept
            with stage("image"):
                features = self.streams.encode(pixels)
            with self.lock, suppress(ValueError):  # they alone are larger than the cache
                self.features[key] = features
            return features

    def _kept(self, key: tuple) -> ImageFeatures | None:
        with self.lock:
            return self.features.get(key)

    def _pixels(self, image: np.ndarray, section: Section, size: tuple[int, int]) -> Tensor:
        """A part of the image as the network sees it: [1, 3, height, width] in 0…1."""
        pixels = self.view.resize(image[section.area], size)
        tensor = torch.tensor(pixels, device=self.device).permute(2, 0, 1)[None].float() / 255
        return tensor.contiguous(memory_format=torch.channels_last)


def sureness(alpha: np.ndarray) -> float:
    """Mean of an alpha where it is above half, 0 where nothing is: float32 [H, W] → 0…1."""
    inside = alpha[alpha > 0.5]
    return float(inside.mean()) if inside.size else 0.0


def quantise(alpha: np.ndarray) -> None:
    """Round to multiples of 1/255 in place, so that a copy kept as uint8 is the same mask."""
    np.divide(cv2.convertScaleAbs(alpha, alpha=255), np.float32(255), out=alpha)


def feature_bytes(features: ImageFeatures) -> int:
    tensors: list[Tensor] = [features.image, features.context, *features.skips]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
