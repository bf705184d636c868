"""Made-up RGB-D scenes: endless, seeded, exact, and free of anybody's rights."""

from __future__ import annotations

from superfine.data.rgbd.scene import GENERATOR, Scene, scene

__all__ = ["GENERATOR", "Scene", "scene"]
