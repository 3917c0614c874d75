"""From what people saved to a network that needs fewer clicks (docs/explanation/learning.md).

collect → snapshots → finetune (timed) → gate (compare); prove does it all with a robot (person).
"""
