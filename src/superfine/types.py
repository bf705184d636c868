"""The values that travel between the rooms: pictures, depth maps, kernels, metadata, progress.

Inside, mathematics is on plain tensors; from the file readers up, a picture is an `Image`, which
knows its number of bits, its transparency and its colour profile, and a depth map is a `DepthMap`,
which knows its unit and its holes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

# Largest code of each way a sample is stored. A float sample is already on [0, 1].
LARGEST_CODE: dict[torch.dtype, float] = {
    torch.uint8: 255.0,
    torch.uint16: 65535.0,
    torch.float32: 1.0,
}


@dataclass(frozen=True)
class Metadata:
    """What a picture file carries beside its pixels; kept as it is, never interpreted.

    Attributes:
        exif: Raw EXIF block without the leading `Exif\\0\\0`, orientation already reset to 1.
        xmp: Raw XMP packet.
        iptc: Raw IPTC block.
        dpi: Horizontal and vertical dots per inch, None when the file does not say.
        delay_ms: For one frame of an animation, how long it is shown, in milliseconds.
        loop: For one frame of an animation, how often it plays; 0 means for ever.
        source_format: Short name of the format read: "png", "jpeg", "tiff", "webp", ...
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    delay_ms: int | None = None
    loop: int = 0
    source_format: str | None = None


@dataclass(frozen=True, eq=False)
class Image:
    """One picture as it is stored: grey (1 channel) or RGB (3 channels), never premultiplied.

    The pixels stay in the integers of the file, so that a 100-megapixel picture costs what it
    costs on disk; whoever needs floats converts the piece in work.

    Attributes:
        pixels: (c, h, w), c = 1 or 3; uint8 codes 0..255, uint16 codes 0..65535, or float32 on
            [0, 1]. Usually a view of rows-first memory: call `.contiguous()` only on a piece.
        alpha: (1, h, w) in the same type as `pixels`, or None for an opaque picture.
        profile: ICC profile, byte for byte as it was read.
        metadata: What else the file carried.
        notes: What the reader had to decide, in words for the user.
    """

    pixels: Shaped[Tensor, "c h w"]
    alpha: Shaped[Tensor, "1 h w"] | None = None
    profile: bytes | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.dtype not in LARGEST_CODE:
            raise TypeError(f"pixels are uint8, uint16 or float32, not {self.pixels.dtype}")
        if self.pixels.shape[0] not in (1, 3):
            raise ValueError(f"a picture has 1 or 3 channels, not {self.pixels.shape[0]}")
        if self.alpha is not None and (
            self.alpha.dtype != self.pixels.dtype or self.alpha.shape[1:] != self.pixels.shape[1:]
        ):
            raise ValueError("alpha has the size and the type of the pixels")

    @property
    def height(self) -> int:
        """Rows."""
        return self.pixels.shape[1]

    @property
    def width(self) -> int:
        """Columns."""
        return self.pixels.shape[2]

    @property
    def grey(self) -> bool:
        """True when there is one channel."""
        return self.pixels.shape[0] == 1

    @property
    def bit_depth(self) -> Literal[8, 16, 32]:
        """Bits per sample; 32 means float on [0, 1]."""
        if self.pixels.dtype == torch.uint8:
            return 8
        return 16 if self.pixels.dtype == torch.uint16 else 32


# What the numbers of a depth map mean. "relative" has neither a zero nor a size that is known.
DepthUnit = Literal["metre", "disparity_px", "relative"]


@dataclass(frozen=True)
class Intrinsics:
    """The pinhole of a camera, in pixels; the centre of the first pixel is (0, 0).

    Attributes:
        fx: Focal length along rows of pixels.
        fy: Focal length along columns of pixels.
        cx: Where the axis meets the map, from its left.
        cy: Where the axis meets the map, from its top.
    """

    fx: float
    fy: float
    cx: float
    cy: float

    def resized(self, columns: float, rows: float) -> Intrinsics:
        """The same camera after a map was enlarged `columns` times across and `rows` down."""
        return Intrinsics(
            fx=self.fx * columns,
            fy=self.fy * rows,
            cx=(self.cx + 0.5) * columns - 0.5,
            cy=(self.cy + 0.5) * rows - 0.5,
        )


@dataclass(frozen=True)
class DepthStorage:
    """How the file of a depth map holds it, so that a result is written in the same way.

    Attributes:
        format: Short name: "png", "pgm", "tiff", "pfm", "exr", "npy", "npz" or "mat".
        dtype: Type of a sample as numpy names it, byte order included: "<u2", ">f4".
        codes_per_unit: What a value is multiplied by to be stored: 1000 for millimetres.
        hole: The sample that stands for "not measured": 0, 65535, nan or inf.
        also_holes: Further samples that readers take for holes, so that no measured pixel is
            written as one of them.
        name: The channel of an EXR or the array of an NPZ that holds the map.
    """

    format: str
    dtype: str
    codes_per_unit: float = 1.0
    hole: float = 0.0
    also_holes: tuple[float, ...] = ()
    name: str = ""


@dataclass(frozen=True, eq=False)
class DepthMap:
    """One depth map: a number for each pixel that was measured, and which those are.

    Attributes:
        values: (1, h, w) in `unit`, float32, or float64 where the file's samples need it; what
            it holds where `valid` is False means nothing. Readers put 0 there.
        valid: (1, h, w), False in holes.
        unit: What a value is.
        confidence: (1, h, w) on [0, 1], how far the sensor trusts each pixel; None if unknown.
        intrinsics: The camera, where it is known.
        storage: How the file held it; None for a map that comes from no file.
        notes: What the reader had to decide, in words for the user.
    """

    values: Float[Tensor, "1 h w"]
    valid: Bool[Tensor, "1 h w"]
    unit: DepthUnit
    confidence: Float[Tensor, "1 h w"] | None = None
    intrinsics: Intrinsics | None = None
    storage: DepthStorage | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.shape != self.valid.shape:
            raise ValueError("a depth map says of each of its values whether it is valid")
        if self.confidence is not None and self.confidence.shape != self.values.shape:
            raise ValueError("confidence has the size of the depth map")

    @property
    def height(self) -> int:
        """Rows."""
        return self.values.shape[1]

    @property
    def width(self) -> int:
        """Columns."""
        return self.values.shape[2]


@dataclass(frozen=True, eq=False)
class Kernel:
    """How a sharp picture was blurred before one pixel in `scale` of it was kept, along each axis.

        lr[i, j] = sum over a, b of values[a, b] * hr[scale * i + a - row, scale * j + b - column]

    with `anchor` = (row, column): the kernel is laid on the picture as it is, not flipped. The
    centre of LR pixel i lies at (scale - 1) / 2 + scale * i of the sharp picture, so that a kernel
    which moves nothing has its centre of mass at anchor + (scale - 1) / 2: at 5.5 for 11x11 and x2.

    Attributes:
        values: (h, w), float64, with sum 1; may be negative in places, as bicubic is.
        scale: Pixels of the sharp picture per LR pixel, along each axis.
        anchor: Row and column of the value that meets the sharp pixel scale * (i, j).
    """

    values: Float[Tensor, "h w"]
    scale: int
    anchor: tuple[int, int]

    def __post_init__(self) -> None:
        if self.values.dtype != torch.float64:
            raise TypeError(f"the values of a kernel are float64, not {self.values.dtype}")
        if abs(float(self.values.sum()) - 1) > 1e-6:
            raise ValueError(f"the values of a kernel sum to 1, not {float(self.values.sum()):g}")
        if self.scale < 1:
            raise ValueError(f"the scale of a kernel is at least 1, not {self.scale}")


@dataclass(frozen=True)
class Progress:
    """How far a long call has come: `done` of `total` pieces of work, in output pixels."""

    done: int
    total: int
