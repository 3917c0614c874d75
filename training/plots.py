"""Plots of training and evaluation."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def plot_training(log: Path, picture: Path) -> None:
    """Loss, and IoU before and after each click, over the images seen."""
    if not log.exists():
        return
    table = np.genfromtxt(log, delimiter=",", names=True, ndmin=1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), constrained_layout=True)
    left.plot(table["images"], table["loss"])
    left.set(xlabel="images", ylabel="loss per click")
    clicks = [name for name in table.dtype.names or () if name.startswith("iou_")]
    for name in clicks:
        right.plot(
            table["images"], table[name], label=f"after click {name[4:]}" if name != "iou_0" else "before"
        )
    right.set(xlabel="images", ylabel="IoU on training crops", ylim=(0, 1))
    right.legend()
    figure.savefig(picture, dpi=110)
    plt.close(figure)
