"""The zoo, in plain sight: every network under one contract.

A network is one file with its paper in the docstring and one line here; the contract tests find
it by themselves.
"""

from __future__ import annotations

from superfine.errors import find_named
from superfine.models import (
    bicubic,
    drcn,
    drrn,
    dsdmsr,
    edsr,
    espcn,
    fsrcnn,
    glean,
    lapsrn,
    rcan,
    rdn,
    srcnn,
    svlrm,
    vdsr,
    wdsr,
)
from superfine.models.spec import Channels, ModelSpec, parameter_count

__all__ = ["ZOO", "Channels", "ModelSpec", "find", "parameter_count"]

ZOO: tuple[ModelSpec, ...] = (
    bicubic.SPEC,
    *srcnn.SPECS,
    *fsrcnn.SPECS,
    *espcn.SPECS,
    *vdsr.SPECS,
    *drcn.SPECS,
    *drrn.SPECS,
    *lapsrn.SPECS,
    *edsr.SPECS,
    *rdn.SPECS,
    *rcan.SPECS,
    *wdsr.SPECS,
    *glean.SPECS,
    svlrm.SPEC,
    *dsdmsr.SPECS,
)


def find(name: str) -> ModelSpec:
    """The network called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("network", name, ZOO, listing="superfine models list")
