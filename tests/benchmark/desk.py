"""Small sets of pictures to measure on."""

from pathlib import Path

import numpy as np
from PIL import Image as PillowImage


def make_set(folder: Path, *, count: int = 3, width: int = 61, height: int = 49) -> Path:
    """Smooth coloured pictures with some noise, in a new folder; the first is grey."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    for index in range(count):
        rough = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
        large = PillowImage.fromarray(rough).resize((width, height), PillowImage.Resampling.BICUBIC)
        noisy = np.asarray(large).astype(int) + rng.integers(-6, 7, (height, width, 3))
        picture = PillowImage.fromarray(noisy.clip(0, 255).astype(np.uint8))
        (picture if index else picture.convert("L")).save(folder / f"{index}.png")
    return folder
