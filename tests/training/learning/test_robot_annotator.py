from __future__ import annotations

import numpy as np

from click99_training.datasets.sample import Sample
from click99_training.learning.robot_annotator import RobotAnnotator


def test_where_there_is_no_object_nothing_is_clicked():
    nothing = np.zeros((8, 8), bool)
    sample = Sample("empty", np.zeros((8, 8, 3), np.uint8), nothing, nothing)
    assert RobotAnnotator("http://127.0.0.1:1").annotate(1, sample) == []
