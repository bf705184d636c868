"""What is measured of a result, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol, to_codes
from superfine.errors import find_named
from superfine.metrics import ifc, lr_psnr, ms_ssim, psnr, ssim, vif
from superfine.ops.codes import to_unit

_RANGE = 255.0


@dataclass(frozen=True, eq=False)
class Compared:
    """A result and its truth under a protocol, made ready once for all metrics.

    Attributes:
        output: The result.
        protocol: How it is compared.
    """

    output: Output
    protocol: Protocol

    @cached_property
    def planes(self) -> tuple[Float[Tensor, "k m n"], Float[Tensor, "k m n"]]:
        """Result and truth as `Comparison.planes` makes them."""
        return self.protocol.comparison.planes(self.result, self.output.hr, self.output.scale)

    @cached_property
    def result(self) -> Float[Tensor, "c h w"]:
        """The result on [0, 1]: as the network gave it, or as a picture in colour."""
        wants_colours = self.protocol.as_pictures and self.output.hr.shape[0] == 3
        if wants_colours and self.output.sr.shape[0] == 1:
            return self.output.picture_codes(self.protocol).double() / 255
        return self.output.sr


@dataclass(frozen=True)
class Column:
    """A number that tables show.

    Attributes:
        name: What users type and tables say.
        title: What people read.
        unit: "dB", or empty for a plain number.
        decimals: As many as tables of the field print.
        higher_is_better: Its direction.
        about: One line for people.
    """

    name: str
    title: str
    unit: str
    decimals: int
    higher_is_better: bool
    about: str


@dataclass(frozen=True)
class Metric(Column):
    """One number about a result.

    Attributes:
        measure: The number.
    """

    measure: Callable[[Compared], float] = field(repr=False)


def _psnr(compared: Compared) -> float:
    return float(psnr(*compared.planes, data_range=_RANGE))


def _ssim(compared: Compared) -> float:
    return float(ssim(*compared.planes, data_range=_RANGE))


def _ms_ssim(compared: Compared) -> float:
    return float(ms_ssim(*compared.planes, data_range=_RANGE))


def _ifc(compared: Compared) -> float:
    return float(ifc(*compared.planes, data_range=_RANGE))


def _vif(compared: Compared) -> float:
    return float(vif(*compared.planes, data_range=_RANGE))


def _lr_psnr(compared: Compared) -> float:
    output, protocol = compared.output, compared.protocol
    resize = protocol.colour_resize if output.lr.shape[0] == 3 else protocol.resize
    sr = output.sr.double().clamp(0, 1)
    return float(
        lr_psnr(sr, output.lr, lambda x: resize.shrink(to_codes(x), output.scale), data_range=1.0)
    )


def _psnr_input(compared: Compared) -> float:
    output, protocol = compared.output, compared.protocol
    enlarged = protocol.bicubic(output.lr, output.scale).double() / 255
    given = Compared(replace(output, sr=enlarged), protocol)
    return float(psnr(compared.planes[0], given.planes[0], data_range=_RANGE))


METRICS: tuple[Metric, ...] = (
    Metric("psnr", "PSNR", "dB", 2, True, "Peak signal-to-noise ratio.", _psnr),
    Metric("ssim", "SSIM", "", 4, True, "Structural similarity, 11x11 Gaussian window.", _ssim),
    Metric("ms-ssim", "MS-SSIM", "", 4, True, "The same at five scales.", _ms_ssim),
    Metric("ifc", "IFC", "", 4, True, "Information shared with the truth, in subbands.", _ifc),
    Metric("vif", "VIF", "", 4, True, "The same as a share of what the eye could see.", _vif),
    Metric("lr-psnr", "LR-PSNR", "dB", 2, True, "The result, shrunk, against its input.", _lr_psnr),
    Metric(
        "psnr-input",
        "PSNR to input",
        "dB",
        2,
        False,
        "The result against its input enlarged by bicubic: how little was changed. No quality.",
        _psnr_input,
    ),
)

# What is measured of depth maps.
DEPTH_COLUMNS: tuple[Column, ...] = (
    Column("rmse", "RMSE", "", 3, False, "Over the valid pixels, in the unit of the protocol."),
    Column("mae", "MAE", "", 3, False, "Mean absolute error, likewise."),
    Column("edge-rmse", "edge RMSE", "", 3, False, "RMSE within 3 pixels of a depth edge."),
    Column("flat-rmse", "flat RMSE", "", 3, False, "RMSE everywhere else."),
    Column("flying", "flying %", "", 2, False, "Of the edge band, on no surface of the truth."),
    Column("lr-residual", "LR residual", "", 4, False, "Mean difference, shrunk again, to LR."),
)

USUAL = ("psnr", "ssim")


def with_weights(name: str, file: Path) -> Metric:
    """The metric called `name`, which measures with the network in `file`.

    Raises:
        UsageError: When it needs none, or its package is not installed.
        ModelFileError: When the file does not hold what it needs.
    """
    from superfine.benchmark.installed import installed_metric

    measure = installed_metric(name, file)

    def of(compared: Compared) -> float:
        rgb = compared.output.picture_codes(compared.protocol).expand(3, -1, -1)
        return measure(to_unit(rgb), to_unit(compared.output.hr.expand(3, -1, -1)))

    return Metric(name, name.upper(), "", 4, False, f"{name.upper()} with {file.name}.", of)


def find_metric(name: str) -> Metric:
    """The metric called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("metric", name, METRICS, listing="docs/metrics.md")
