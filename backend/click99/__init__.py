"""What an annotator's click meets."""

import os

# OpenMP threads that spin while they wait are ten times slower where other programs want the cores, too.
# It is read when torch is first imported, which all of ours does after this.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
