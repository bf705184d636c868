"""spandrel's architectures, built as small as their classes allow, with random weights."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from superfine.community import bridge


@dataclass(frozen=True)
class Small:
    """A class of spandrel and its settings.

    Attributes:
        id: What spandrel calls the architecture.
        kind: The class, where it has another name.
    """

    id: str
    settings: dict[str, object] = field(default_factory=dict)
    kind: str = ""


_SWIN: dict[str, object] = {
    "img_size": 16, "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 2], "window_size": 8,
    "upscale": 2, "upsampler": "pixelshuffledirect",
}  # fmt: skip
_DENOISER: dict[str, object] = {"nc": [8, 8, 8, 8], "nb": 4}
_U: dict[str, object] = {
    "width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]
}  # fmt: skip

SMALL = (
    Small("ATD", {**_SWIN, "img_size": 64}),
    Small("CRAFT", {"embed_dim": 24, "depths": [2], "num_heads": [6]}),
    Small("Compact", {"num_feat": 8, "num_conv": 2}),
    Small("DAT", {"embed_dim": 32, "depth": [2], "num_heads": [2], "split_size": [2, 4]}),
    Small("DCTLSA", {"nf": 10, "num_modules": 6, "num_head": 5}),
    Small("DITN", {"dim": 12, "ITL_blocks": 1, "SAL_blocks": 1}),
    Small("DRCT", {**_SWIN, "depths": (6,), "num_heads": (2,), "upsampler": "pixelshuffle",
                   "gc": 8, "img_size": 64}),
    Small("DRUNet", {**_DENOISER, "in_nc": 4, "out_nc": 3}),
    Small("DnCNN", {"nc": 8, "nb": 4}),
    Small("ESRGAN", {"num_filters": 8, "num_blocks": 2}),
    Small("FDAT", {"embed_dim": 16, "num_groups": 1, "depth_per_group": 2, "num_heads": 2}),
    Small("FFTformer", {"dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1}),
    Small("HAT", {"embed_dim": 12, "depths": (2,), "num_heads": (2,), "window_size": 8,
                  "squeeze_factor": 4, "upscale": 2}),
    Small("HVICIDNet", {"channels": [8, 8, 16, 32]}),
    Small("IPT", {"patch_size": 12, "n_feats": 12, "num_layers": 1, "scale": [2]}),
    Small("KBNet", _U, "KBNet_s"),
    Small("MMRealSR", {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 8, "num_block": 1,
                       "num_grow_ch": 8, "num_feats": [8] * 4, "num_blocks": [1] * 4}),
    Small("MixDehazeNet", {"embed_dims": [8, 16, 32, 16, 8]}),
    Small("MoESR", {"dim": 16, "n_blocks": 1, "n_block": 1}),
    Small("MoSR", {"n_block": 2, "dim": 16}),
    Small("NAFNet", _U),
    Small("OmniSR", {"num_feat": 16, "up_scale": 2}),
    Small("PLKSR", {"dim": 16, "n_blocks": 2, "upscaling_factor": 2}, "RealPLKSR"),
    Small("RCAN", {"n_resgroups": 2, "n_resblocks": 1, "n_feats": 16, "reduction": 4}),
    Small("RGT", {"embed_dim": 32, "depth": [2], "num_heads": [2]}),
    Small("RealCUGAN", {}, "UpCunet2x_fast"),
    Small("RetinexFormer", {"n_feat": 8, "stage": 1}),
    Small("SAFMN", {"dim": 8, "n_blocks": 2}),
    Small("SAFMNBCIE", {"dim": 8, "n_blocks": 1, "num_layers": 1}),
    Small("SCUNet", {"config": [1] * 7, "dim": 64}),
    Small("SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2}),
    Small("SeemoRe", {"num_experts": 2, "num_layers": 1, "embedding_dim": 12}),
    Small("SwiftSRGAN", {"num_channels": 8, "num_blocks": 1}),
    Small("Swin2SR", _SWIN),
    Small("SwinIR", _SWIN),
    Small("Uformer", {"embed_dim": 4, "depths": [1] * 9}),
)  # fmt: skip


def small(id: str, **other: object) -> nn.Module:  # noqa: A002
    """The small network called `id`, with `other` settings."""
    found = next(s for s in SMALL if s.id == id)
    return built(found.id, found.kind or found.id, **{**found.settings, **other})


def built(id: str, kind: str, **settings: object) -> nn.Module:  # noqa: A002
    """A network of spandrel's class `kind`, in evaluation mode."""
    assert bridge.architectures()
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(f"spandrel.architectures.{id}")
        network: nn.Module = getattr(module, kind)(**settings)
    return network.eval()


def by_spandrel(state: dict[str, Tensor], lr: Tensor) -> Tensor:
    """What spandrel's own descriptor makes of a picture."""
    from spandrel import ModelLoader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        descriptor = ModelLoader().load_from_state_dict(dict(state)).eval()
    result: Tensor = descriptor(lr.clone())
    return result
