"""Pictures that look a little like photographs, from a seed."""

from pathlib import Path

import numpy as np
from PIL import Image


def scene(seed: int, *, width: int = 60, height: int = 44) -> np.ndarray:
    """Blobs of several sizes and some grain, (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    total = rng.normal(0, 4, (height, width, 3))
    for cell in (4, 9, 23):
        coarse = rng.integers(0, 256, (height // cell + 2, width // cell + 2, 3), dtype=np.uint8)
        fine = Image.fromarray(coarse).resize(
            (width + cell, height + cell), Image.Resampling.BICUBIC
        )
        total += np.asarray(fine)[:height, :width] / 3
    return total.clip(0, 255).astype(np.uint8)


def draw(path: Path, codes: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(codes).save(path)
    return path


def draw_scenes(folder: Path, count: int, *, width: int = 60, height: int = 44) -> Path:
    for seed in range(count):
        draw(folder / f"{seed:02d}.png", scene(seed, width=width, height=height))
    return folder
