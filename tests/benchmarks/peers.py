"""Others' networks for interactive segmentation, with random weights: for their time only (bench_peers.py).

Written from the papers and the published configurations; a test holds their sizes against those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv(ins: int, outs: int, size: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(ins, outs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outs)
    )


# --- RITM (Sofiiuk et al. 2021): HRNet-W18-small-v2 with OCR


class Basic(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = conv(width, width, 3), conv(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Bottleneck(nn.Module):
    def __init__(self, ins: int, width: int = 64):
        super().__init__()
        outs = 4 * width
        self.way = nn.Sequential(
            conv(ins, width), nn.ReLU(), conv(width, width, 3), nn.ReLU(), conv(width, outs)
        )
        self.short = conv(ins, outs) if ins != outs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.way(x) + self.short(x))


class Merge(nn.Module):
    """One resolution made of all: [B, w_i, H/2^i, W/2^i] of each i -> that of `goal`."""

    def __init__(self, widths: Sequence[int], goal: int):
        super().__init__()
        self.goal = goal
        self.ways = nn.ModuleList(self._way(widths, source) for source in range(len(widths)))

    def _way(self, widths: Sequence[int], source: int) -> nn.Module:
        goal = self.goal
        if source >= goal:
            return conv(widths[source], widths[goal]) if source > goal else nn.Identity()
        narrow = [
            layer
            for _ in range(goal - source - 1)
            for layer in (conv(widths[source], widths[source], 3, 2), nn.ReLU())
        ]
        return nn.Sequential(*narrow, conv(widths[source], widths[goal], 3, 2))

    def forward(self, xs: list[Tensor]) -> Tensor:
        parts = [_resized(way(x), xs[self.goal]) for way, x in zip(self.ways, xs, strict=True)]
        return functional.relu(torch.stack(parts).sum(0))


class Exchange(nn.Module):
    """Two blocks on each resolution, then each is made of all."""

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(Basic(w), Basic(w)) for w in widths)
        self.merges = nn.ModuleList(Merge(widths, goal) for goal in range(len(widths)))

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        xs = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        return [merge(xs) for merge in self.merges]


def _resized(x: Tensor, like: Tensor) -> Tensor:
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=True)


class Ritm(nn.Module):
    """image and maps [B, 6, H, W] (RGB, two click disks, previous mask) -> logits [B, 1, H, W]."""

    widths = (18, 36, 72, 144)

    def __init__(self, key: int = 48):
        super().__init__()
        widths = self.widths
        self.stem = nn.Sequential(conv(3, 64, 3, 2), nn.ReLU(), conv(64, 64, 3, 2), nn.ReLU())
        self.clicks = nn.Sequential(
            nn.Conv2d(3, 16, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 64, 3, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(64, 64, 3, 2, 1),
        )  # fmt: skip
        self.first = nn.Sequential(Bottleneck(64), Bottleneck(256))
        self.begin = nn.ModuleList([conv(256, widths[0], 3), conv(256, widths[1], 3, 2)])
        self.more = nn.ModuleList(conv(a, b, 3, 2) for a, b in pairwise(widths[1:]))
        counts = (1, 3, 2)
        self.stages = nn.ModuleList(
            nn.Sequential(*(Exchange(widths[: k + 2]) for _ in range(count)))
            for k, count in enumerate(counts)
        )
        total = sum(widths)
        self.rough = nn.Sequential(conv(total, total), nn.ReLU(), nn.Conv2d(total, 1, 1))
        self.wide = nn.Sequential(conv(total, 2 * key, 3), nn.ReLU())
        self.query = nn.Sequential(conv(2 * key, key), nn.ReLU(), conv(key, key), nn.ReLU())
        self.keys = nn.Sequential(conv(2 * key, key), nn.ReLU(), conv(key, key), nn.ReLU())
        self.values = nn.Sequential(conv(2 * key, key), nn.ReLU())
        self.up = nn.Sequential(conv(key, 2 * key), nn.ReLU())
        self.join = nn.Sequential(conv(4 * key, 2 * key), nn.ReLU())
        self.last = nn.Conv2d(2 * key, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        image, maps = x[:, :3], x[:, 3:]
        x0 = self.first(self.stem(image) + self.clicks(maps))
        xs = [functional.relu(way(x0)) for way in self.begin]
        for k, stage in enumerate(self.stages):
            if k:
                xs = [*xs, functional.relu(self.more[k - 1](xs[-1]))]
            xs = stage(xs)
        features = torch.cat([_resized(each, xs[0]) for each in xs], 1)
        return _resized(self._objects(features), x)

    def _objects(self, features: Tensor) -> Tensor:
        """Object-contextual representations (Yuan et al. 2020), of one class."""
        wide = self.wide(features)
        weights = self.rough(features).flatten(2).softmax(-1)  # [B, 1, N]
        region = (weights @ wide.flatten(2).transpose(1, 2)).transpose(1, 2)[..., None]  # [B, C, 1, 1]
        features, key, value = self.query(wide), self.keys(region).flatten(2), self.values(region)
        query = features.flatten(2).transpose(1, 2)
        shares = (query @ key * query.shape[-1] ** -0.5).softmax(-1)  # [B, N, 1]
        context = (shares @ value.flatten(2).transpose(1, 2)).transpose(1, 2).reshape_as(features)
        return self.last(self.join(torch.cat([self.up(context), wide], 1)))


# --- FocalClick (Chen et al. 2022): SegFormer-B0, coarse and focal


class Reduced(nn.Module):
    """Attention whose keys and values are of a smaller picture (SegFormer)."""

    def __init__(self, width: int, heads: int, shrink: int):
        super().__init__()
        self.heads = heads
        self.query, self.pairs, self.out = (nn.Linear(width, n * width) for n in (1, 2, 1))
        self.smaller = nn.Conv2d(width, width, shrink, shrink) if shrink > 1 else nn.Identity()
        self.norm = nn.LayerNorm(width) if shrink > 1 else nn.Identity()

    def forward(self, x: Tensor, side: tuple[int, int]) -> Tensor:
        batch, count, width = x.shape
        small = self.smaller(x.transpose(1, 2).reshape(batch, width, *side)).flatten(2).transpose(1, 2)
        key, value = self._heads(self.pairs(self.norm(small)), 2)
        (query,) = self._heads(self.query(x), 1)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).reshape(batch, count, width))

    def _heads(self, x: Tensor, parts: int) -> Tensor:
        batch, count, _ = x.shape
        return x.reshape(batch, count, parts, self.heads, -1).permute(2, 0, 3, 1, 4)


class MixBlock(nn.Module):
    def __init__(self, width: int, heads: int, shrink: int):
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Reduced(width, heads, shrink)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.near = nn.Conv2d(4 * width, 4 * width, 3, padding=1, groups=4 * width)

    def forward(self, image: Tensor) -> Tensor:
        side, x = (image.shape[-2], image.shape[-1]), image.flatten(2).transpose(1, 2)
        x = x + self.attention(self.before(x), side)
        hidden = self.up(self.after(x)).transpose(1, 2).unflatten(2, side)
        x = x + self.down(functional.gelu(self.near(hidden)).flatten(2).transpose(1, 2))
        return x.transpose(1, 2).unflatten(2, side)


class SegFormer(nn.Module):
    """B0 with clicks and the previous mask: [B, 6, H, W] -> logits [B, 1, H, W]."""

    widths, heads, shrinks = (32, 64, 160, 256), (1, 2, 5, 8), (8, 4, 2, 1)

    def __init__(self):
        super().__init__()
        ins, sizes = (3, *self.widths[:-1]), (7, 3, 3, 3)
        self.clicks = nn.Conv2d(3, self.widths[0], 7, 4, 3)
        self.patches = nn.ModuleList(
            nn.Conv2d(a, b, size, 4 if size == 7 else 2, size // 2)
            for a, b, size in zip(ins, self.widths, sizes, strict=True)
        )
        each = list(zip(self.widths, self.heads, self.shrinks, strict=True))
        self.blocks = nn.ModuleList(nn.Sequential(MixBlock(*one), MixBlock(*one)) for one in each)
        self.norms = nn.ModuleList(nn.GroupNorm(1, w) for w in self.widths)
        self.ends = nn.ModuleList(nn.Conv2d(w, 256, 1) for w in self.widths)
        self.fuse, self.last = nn.Sequential(conv(1024, 256), nn.ReLU()), nn.Conv2d(256, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        image, maps, found = x[:, :3], x[:, 3:], []
        for k, (patch, blocks) in enumerate(zip(self.patches, self.blocks, strict=True)):
            image = patch(image) + (self.clicks(maps) if not k else 0)
            image = self.norms[k](blocks(image))
            found.append(self.ends[k](image))
        joined = torch.cat([_resized(each, found[0]) for each in found], 1)
        return functional.interpolate(self.last(self.fuse(joined)), x.shape[-2:], mode="bilinear")


class FocalClick(nn.Module):
    """S2: a coarse mask at 256², then what is around the click again by a small network at 256²."""

    def __init__(self, side: int = 256):
        super().__init__()
        self.side, self.coarse = side, SegFormer()
        self.fine = nn.Sequential(
            *(layer for a, b in ((7, 32), (32, 32), (32, 32)) for layer in (conv(a, b, 3), nn.ReLU())),
            nn.Conv2d(32, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        small = functional.interpolate(x, (self.side, self.side), mode="bilinear")
        rough = self.coarse(small)
        return self.fine(torch.cat([small, rough], 1))


# --- MobileSAM (Zhang et al. 2023): TinyViT-5M at 1024², SAM's mask decoder


class Inverted(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        hidden = 4 * width
        self.way = nn.Sequential(
            conv(width, hidden), nn.GELU(), conv(hidden, hidden, 3, 1, hidden), nn.GELU(), conv(hidden, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.gelu(x + self.way(x))


class Window(nn.Module):
    """Attention within windows, a convolution, a perceptron (TinyViT): [B, C, H, W]."""

    def __init__(self, width: int, heads: int, side: int):
        super().__init__()
        self.heads, self.side = heads, side
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.biases: Tensor  # of few numbers, there
        self.register_buffer("biases", torch.zeros(heads, side**2, side**2))
        self.near = conv(width, width, 3, 1, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._attend(x)
        x = self.near(x)
        tokens = x.permute(0, 2, 3, 1)
        return (tokens + self.mlp(self.after(tokens))).permute(0, 3, 1, 2)

    def _attend(self, x: Tensor) -> Tensor:
        batch, width, rows, columns = x.shape
        s = self.side
        padded = functional.pad(x, (0, -columns % s, 0, -rows % s))
        down, across = padded.shape[2] // s, padded.shape[3] // s
        parts = padded.reshape(batch, width, down, s, across, s).permute(0, 2, 4, 3, 5, 1)
        tokens = self.before(parts.reshape(-1, s * s, width))
        query, key, value = (
            self.qkv(tokens).reshape(-1, s * s, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, self.biases)
        tokens = self.out(mixed.transpose(1, 2).reshape(-1, s * s, width))
        whole = tokens.reshape(batch, down, across, s, s, width).permute(0, 5, 1, 3, 2, 4)
        return whole.reshape(batch, width, down * s, across * s)[..., :rows, :columns]


class TinyVit(nn.Module):
    """[B, 3, 1024, 1024] -> [B, 256, 64, 64]."""

    def __init__(self):
        super().__init__()

        def merge(a: int, b: int, stride: int) -> nn.Sequential:
            return nn.Sequential(conv(a, b), nn.GELU(), conv(b, b, 3, stride, b), nn.GELU(), conv(b, b))

        self.stages = nn.Sequential(
            conv(3, 32, 3, 2), nn.GELU(), conv(32, 64, 3, 2),
            *(Inverted(64) for _ in range(2)), merge(64, 128, 2),
            *(Window(128, 4, 7) for _ in range(2)), merge(128, 160, 2),
            *(Window(160, 5, 14) for _ in range(6)), merge(160, 320, 1),
            *(Window(320, 10, 7) for _ in range(2)),
        )  # fmt: skip
        self.neck = nn.Sequential(
            nn.Conv2d(320, 256, 1, bias=False), nn.GroupNorm(1, 256),
            nn.Conv2d(256, 256, 3, padding=1, bias=False), nn.GroupNorm(1, 256),
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        return self.neck(self.stages(image))


class Attention(nn.Module):
    """Of one sequence, [B, T, 256], to another, with fewer channels inside (SAM)."""

    def __init__(self, inner: int, width: int = 256, heads: int = 8):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, inner) for _ in range(3))
        self.out = nn.Linear(inner, width)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        query, key, value = (
            self._split(each) for each in (self.query(x), self.key(other), self.value(other))
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class TwoWay(nn.Module):
    """Tokens, [B, T, 256], and picture, [B, N, 256], look at each other."""

    def __init__(self):
        super().__init__()
        self.own, self.to_picture, self.to_tokens = Attention(256), Attention(128), Attention(128)
        self.mlp = nn.Sequential(nn.Linear(256, 2048), nn.ReLU(), nn.Linear(2048, 256))
        self.norms = nn.ModuleList(nn.LayerNorm(256) for _ in range(4))

    def forward(self, tokens: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        one, two, three, four = self.norms
        tokens = one(tokens + self.own(tokens, tokens))
        tokens = two(tokens + self.to_picture(tokens, picture))
        tokens = three(tokens + self.mlp(tokens))
        return tokens, four(picture + self.to_tokens(picture, tokens))


class MobileSam(nn.Module):
    """An image and one click -> logits [B, 4, 256, 256]."""

    def __init__(self):
        super().__init__()
        self.encoder = TinyVit()
        self.tokens = nn.Parameter(torch.zeros(1, 7, 256))  # one of quality, four of masks, the click's two
        self.place: Tensor
        self.register_buffer("place", torch.zeros(1, 4096, 256))
        self.layers, self.final = nn.ModuleList(TwoWay() for _ in range(2)), Attention(128)
        self.up = nn.Sequential(
            nn.ConvTranspose2d(256, 64, 2, 2), nn.GroupNorm(1, 64), nn.GELU(),
            nn.ConvTranspose2d(64, 32, 2, 2), nn.GELU(),
        )  # fmt: skip
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 32))
            for _ in range(4)
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.decode(self.encoder(image))

    def decode(self, features: Tensor) -> Tensor:
        tokens, picture = self.tokens, features.flatten(2).transpose(1, 2) + self.place
        for layer in self.layers:
            tokens, picture = layer(tokens, picture)
        tokens = tokens + self.final(tokens, picture)
        fine = self.up(picture.transpose(1, 2).unflatten(2, (64, 64)))  # [B, 32, 256, 256]
        kernels = torch.stack([head(tokens[:, k + 1]) for k, head in enumerate(self.heads)], 1)
        return (kernels @ fine.flatten(2)).unflatten(2, fine.shape[-2:])


class Peer(NamedTuple):
    """shape: of what the network looks at, [C, H, W]. millions: of parameters, as they are published."""

    make: Callable[[], nn.Module]
    shape: tuple[int, int, int]
    millions: float


PEERS = {
    "RITM, HRNet18s": Peer(Ritm, (6, 448, 448), 4.22),
    "FocalClick, SegFormer-B0": Peer(FocalClick, (6, 448, 448), 3.74),
    "Label Studio's SAM example, MobileSAM": Peer(MobileSam, (3, 1024, 1024), 9.66),
}


def millions(network: nn.Module) -> float:
    return sum(each.numel() for each in network.parameters()) / 1e6
