"""DTU's depth maps as a pyramid of pictures and lists of them, as DSDMSR is trained on."""

from __future__ import annotations

from superfine.data.dtu.make import Made, PyramidOptions, make_pyramids

__all__ = ["Made", "PyramidOptions", "make_pyramids"]
