"""`click99 demo`: a Label Studio with sample pictures and click99 connected to it, on this computer only."""

from click99.demo.command import demo

__all__ = ["demo"]
