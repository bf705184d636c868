"""How far a picture is from the truth. Each metric states its formula, range and source."""

from superfine.metrics.psnr import psnr
from superfine.metrics.ssim import ssim

__all__ = ["psnr", "ssim"]
