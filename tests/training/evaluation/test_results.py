"""Evaluations as files: what they hold, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99_training.evaluation import results


@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ('{"images": []}', "'dataset'"), ("[]", "no evaluation")]
)
def test_what_is_no_evaluation_is_named(tmp_path: Path, text: str, said: str):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"broken.json.*{said}.*click99 evaluate"):
        results.read(path)
