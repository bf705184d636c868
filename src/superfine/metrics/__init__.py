"""How far a picture is from the truth. Each metric states its formula, range and source."""

from superfine.metrics.depth import mae, rmse
from superfine.metrics.ms_ssim import ms_ssim
from superfine.metrics.psnr import psnr
from superfine.metrics.ssim import ssim

__all__ = ["mae", "ms_ssim", "psnr", "rmse", "ssim"]
