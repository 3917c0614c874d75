"""Networks judged by the robot: benchmarks, validation, curves."""
