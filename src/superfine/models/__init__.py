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
    glean_seed,
    imdn,
    lapsrn,
    mdsr,
    mslapsrn,
    rcan,
    rdn,
    rrdbnet,
    span,
    srcnn,
    srfbn,
    svlrm,
    svlrm_plus,
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
    *mslapsrn.SPECS,
    *edsr.SPECS,
    *mdsr.SPECS,
    *rdn.SPECS,
    *span.SPECS,
    *rcan.SPECS,
    *wdsr.SPECS,
    imdn.SPEC,
    srfbn.SPEC,
    *rrdbnet.SPECS,
    *glean.SPECS,
    glean_seed.SPEC,
    svlrm.SPEC,
    svlrm_plus.SPEC,
    *dsdmsr.SPECS,
)


def find(name: str) -> ModelSpec:
    """The network called `name`: one of the zoo, or a DRRN of any size, as `drrn-b3u6`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return drrn.spec_called(name) or find_named(
        "network", name, ZOO, listing="superfine models list"
    )
