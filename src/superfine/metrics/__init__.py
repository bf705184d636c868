"""How far a picture is from the truth. Each metric states its formula, range and source."""

from superfine.metrics.consistency import lr_psnr, lr_residual
from superfine.metrics.depth import bad_share, edge_band, flying_share, mae, rmse
from superfine.metrics.ifc import ifc
from superfine.metrics.ms_ssim import ms_ssim
from superfine.metrics.psnr import psnr
from superfine.metrics.ssim import ssim
from superfine.metrics.vif import vif

__all__ = [
    "bad_share",
    "edge_band",
    "flying_share",
    "ifc",
    "lr_psnr",
    "lr_residual",
    "mae",
    "ms_ssim",
    "psnr",
    "rmse",
    "ssim",
    "vif",
]
