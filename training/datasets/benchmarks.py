"""Images and masks as the public benchmarks have them; see `open_dataset` for all of them by name."""

from training.datasets.folders import MaskFolder as BenchmarkDataset

__all__ = ["BenchmarkDataset"]
