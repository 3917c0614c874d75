"""The clicks of a batch: people's first, then the robot's, where the mask is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from click99.segmentation.clicks import Click
from click99_training.datasets.sample import Sample
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.loop.batch import Batch
from click99_training.recipes import COMPACT as RECIPE
from tests.training.samples import first_batch
from tests.training.snapshot import ALWAYS, PEOPLE_S, SIDE


def test_people_s_clicks_come_first_then_the_robot_s(snapshot: Path):
    sample = SnapshotDataset(snapshot)[0]
    batch = Batch.start([sample], [(0,)], ALWAYS)
    for _ in range(3):
        batch.click()
    assert tuple(batch.clicks[0][:2]) == PEOPLE_S
    assert batch.clicks[0][2].positive  # the mask is empty still: the robot asks for the object


def test_a_click_that_the_saved_mask_contradicts_is_left_out(snapshot: Path):
    sample = replace(SnapshotDataset(snapshot)[0], clicks=(Click(32, 32, False), *PEOPLE_S))
    batch = Batch.start([sample], [(0,)], ALWAYS)
    assert tuple(batch.to_replay[0]) == PEOPLE_S


def test_clicks_on_an_older_mask_begin_with_it(snapshot: Path):
    start = np.eye(SIDE) > 0
    sample = replace(SnapshotDataset(snapshot)[0], start=start)
    batch = Batch.start([sample], [(0,)], ALWAYS)
    assert np.array_equal(batch.previous[0, 0].numpy() > 0.5, start)


def test_every_click_lands_where_the_mask_was_wrong(data_folder: Path):
    recipe = replace(RECIPE, nearly_right=0)
    some = first_batch(data_folder, recipe)
    some.click()
    for sample, clicks in zip(some.samples, some.clicks, strict=True):
        assert len(clicks) == 1
        assert clicks[0].positive
        assert sample.truth[clicks[0].y, clicks[0].x]


def test_the_quality_counts_what_the_crop_left_out():
    truth = np.zeros((64, 64), bool)
    truth[:, :32] = True
    sample = Sample("half", np.zeros((64, 64, 3), np.uint8), truth, np.zeros_like(truth), cut_off=1.0)
    whole = replace(sample, cut_off=0.0)
    batch = Batch.start(
        [sample, whole], [(0,), (1,)], replace(RECIPE, nearly_right=0.0, close_nearly_right=0.0)
    )
    batch.previous = batch.truth.clone()
    assert batch.quality().tolist() == [0.5, 1.0]


def test_a_map_is_shown_only_where_clicks_began_from_nothing():
    truth = np.zeros((64, 64), bool)
    truth[:, :32] = True
    sample = Sample("half", np.zeros((64, 64, 3), np.uint8), truth, np.zeros_like(truth))
    begun = replace(sample, start=truth)
    recipe = replace(RECIPE, nearly_right=0.0, lenient=0.0)
    batch = Batch.start([sample, begun], [(0,), (1,)], recipe)
    evidence = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 5, 8, 8)))
    batch.show_maps(evidence, 0.0)
    assert not batch.previous[0].any()
    batch.show_maps(evidence, 1.0)
    assert 0 < batch.previous[0].min() < batch.previous[0].max() < 1
    assert torch.equal(batch.previous[1], batch.truth[1])


def test_a_saved_mask_has_no_soft_edge_and_one_click_of_its_own(data_folder: Path):
    recipe = replace(RECIPE, nearly_right=1.0, close_nearly_right=1.0, saved=1.0)
    batch = first_batch(data_folder, recipe)
    soft = batch.previous.clone()
    for _ in range(50):
        batch.save()
    assert torch.equal(batch.previous, (soft > 0.5).float())
    assert not torch.equal(batch.previous, soft)
    for k, own in enumerate(batch.clicks):
        assert [click.positive for click in own] == [True]
        assert batch.previous[k, 0, own[0].y, own[0].x] == 1


def test_where_no_recipe_asks_for_it_nothing_is_saved(data_folder: Path):
    batch = first_batch(data_folder, replace(RECIPE, nearly_right=1.0))
    soft = batch.previous.clone()
    for _ in range(8):
        batch.save()
    assert torch.equal(batch.previous, soft)
