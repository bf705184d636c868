"""What other people call the layers of our networks, and what their weights were made for.

Facts, read from the names in public code and files. A layout is a list of pairs: names of ours and
of theirs in the order in which they belong to each other, layers of different shapes counted apart.
`#` is any number and `(a|b)` one word of several; names of one form are in the order of their
numbers, where the words of a choice count from 0.

Names are without the prefixes that all of a file share: `module.`, `model.`, `generator.`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from superfine.foreign.convention import (
    BARE_LESS_DIV2K,
    DIV2K,
    GREY,
    Convention,
    family_of,
    less,
)
from superfine.models import ModelSpec


@dataclass(frozen=True)
class Layout:
    """How one source names the layers of one family of networks.

    Attributes:
        source: Whose names these are.
        family: First word of the names of our networks.
        layers: Names of ours and of theirs.
        convention: What its weights are made for.
        network: The network it is where several have the same shapes and nothing else tells.
    """

    source: str
    family: str
    layers: tuple[tuple[str, str], ...]
    convention: Convention = field(default_factory=Convention)
    network: str = ""


_BYTE = Convention(255)
_BYTE_LESS_DIV2K = less(DIV2K, span=255)
_TWICE_LESS_DIV2K = less(DIV2K, span=2)

LAYOUTS: tuple[Layout, ...] = (
    Layout("yjn870", "srcnn", (("extract map reconstruct", "conv#"),)),
    Layout("Lornatang", "srcnn", (("extract map reconstruct", "features.# map.# reconstruction"),)),
    Layout(
        "yjn870",
        "fsrcnn",
        (
            ("extract.#", "first_part.#"),
            ("shrink.# map.# expand.#", "mid_part.#"),
            ("enlarge", "last_part"),
        ),
    ),
    Layout(
        "Lornatang",
        "fsrcnn",
        (
            ("extract.#", "feature_extraction.#"),
            ("shrink.# map.# expand.#", "shrink.# map.# expand.#"),
            ("enlarge", "deconv"),
        ),
    ),
    Layout("yjn870", "espcn", (("first second", "first_part.#"), ("sub_pixel", "last_part.#"))),
    Layout(
        "Lornatang", "espcn", (("first second", "feature_maps.#"), ("sub_pixel", "sub_pixel.#"))
    ),
    Layout("twtygqyy", "vdsr", (("layers.#", "input residual_layer.#.conv output"),)),
    Layout("Lornatang", "vdsr", (("layers.#", "conv#.# trunk.#.conv.# conv#"),)),
    Layout(
        "twtygqyy",
        "lapsrn",
        (
            ("first", "conv_input"),
            ("levels.#.body.# levels.#.enlarge", "convt_F#.#.cov_block.#"),
            ("levels.#.detail", "convt_R#"),
            ("levels.#.picture", "convt_I#"),
        ),
    ),
    Layout(
        "jt827859032",
        "drrn",
        (
            ("blocks.#.enter", "input"),
            ("blocks.#.(first|second)", "conv#"),
            ("last", "output"),
        ),
        network="drrn",
    ),
    Layout(
        "yjn870",
        "drrn",
        (
            ("blocks.#.enter", "rbs.#.h0.module.#"),
            ("blocks.#.(first|second)", "rbs.#.ru.module.#.module.#"),
            ("last", "rec.module.#"),
        ),
    ),
    Layout(
        "EDSR-PyTorch",
        "edsr",
        (
            ("head", "head.#"),
            ("body.#.body.#", "body.#.body.#"),
            ("body.#", "body.#"),
            ("enlarge.#", "tail.#.#"),
            ("tail", "tail.#"),
        ),
        _BYTE_LESS_DIV2K,
    ),
    Layout(
        "BasicSR",
        "edsr",
        (
            ("head", "conv_first"),
            ("body.#.body.#", "body.#.conv#"),
            ("body.#", "conv_after_body"),
            ("enlarge.#", "upsample.#"),
            ("tail", "conv_last"),
        ),
        _BYTE_LESS_DIV2K,
    ),
    Layout(
        "MMagic",
        "edsr",
        (
            ("head", "conv_first"),
            ("body.#.body.#", "body.#.conv#"),
            ("body.#", "conv_after_body"),
            ("enlarge.#", "upsample.#.upsample_conv"),
            ("tail", "conv_last"),
        ),
        less(DIV2K),
    ),
    Layout(
        "EDSR-PyTorch",
        "mdsr",
        (
            ("head", "head.#"),
            ("enter.x#.#.body.#", "pre_process.#.#.body.#"),
            ("body.#.body.#", "body.#.body.#"),
            ("body.#", "body.#"),
            ("enlarge.x#.#", "upsample.#.#"),
            ("tail", "tail.#"),
        ),
        _BYTE_LESS_DIV2K,
    ),
    Layout(
        "RCAN's authors",
        "rcan",
        (
            ("head", "head.#"),
            ("body.#.#.#", "body.#.body.#.body.#"),
            ("body.#.#.#.weigh.#", "body.#.body.#.body.#.conv_du.#"),
            ("body.#.#", "body.#.body.#"),
            ("body.#", "body.#"),
            ("enlarge.#", "tail.#.#"),
            ("tail", "tail.#"),
        ),
        _BYTE_LESS_DIV2K,
    ),
    Layout(
        "BasicSR",
        "rcan",
        (
            ("head", "conv_first"),
            ("body.#.#.#", "body.#.residual_group.#.rcab.#"),
            ("body.#.#.#.weigh.#", "body.#.residual_group.#.rcab.#.attention.#"),
            ("body.#.#", "body.#.conv"),
            ("body.#", "conv_after_body"),
            ("enlarge.#", "upsample.#"),
            ("tail", "conv_last"),
        ),
        _BYTE_LESS_DIV2K,
    ),
    Layout(
        "yjn870",
        "rcan",
        (
            ("head", "sf"),
            ("body.#.#.#", "rgs.#.module.#.module.#"),
            ("body.#.#.#.weigh.#", "rgs.#.module.#.module.#.module.#"),
            ("body.#.#", "rgs.#.module.#"),
            ("body.# tail", "conv#"),
            ("enlarge.#", "upscale.#"),
        ),
    ),
    Layout(
        "EDSR-PyTorch",
        "rdn",
        (
            ("first second", "SFENet#"),
            ("blocks.#.layers.#", "RDBs.#.convs.#.conv.#"),
            ("blocks.#.fusion", "RDBs.#.LFF"),
            ("fusion.#", "GFF.#"),
            ("enlarge.# tail", "UPNet.#"),
        ),
        _BYTE,
    ),
    Layout(
        "yjn870",
        "rdn",
        (
            ("first second", "sfe#"),
            ("blocks.#.layers.#", "rdbs.#.layers.#.conv"),
            ("blocks.#.fusion", "rdbs.#.lff"),
            ("fusion.#", "gff.#"),
            ("enlarge.#", "upscale.#"),
            ("tail", "output"),
        ),
    ),
    Layout(
        "wdsr_ntire2018",
        "wdsr",
        (
            ("head", "head.#"),
            ("body.#.layers.#", "body.#.body.#"),
            ("tail", "tail.#"),
            ("skip", "skip.#"),
        ),
        _TWICE_LESS_DIV2K,
    ),
    Layout(
        "yjn870",
        "wdsr",
        (
            ("head", "head.#"),
            ("body.#.layers.#", "body.#.module.#"),
            ("tail", "tail.#"),
            ("skip", "skip.#"),
        ),
        _TWICE_LESS_DIV2K,
    ),
    Layout(
        "ychfan/wdsr",
        "wdsr",
        (
            ("head tail", "body.#"),
            ("body.#.layers.#", "body.#.body.#"),
            ("skip", "skip.#"),
        ),
        less(GREY),
    ),
    Layout(
        "IMDN's authors",
        "imdn",
        (
            ("head", "fea_conv"),
            ("blocks.#.layers.# blocks.#.fusion", "IMDB#.c#"),
            ("blocks.#.attention.weigh.#", "IMDB#.cca.conv_du.#"),
            ("fusion", "c.#"),
            ("last", "LR_conv"),
            ("tail", "upsampler.#"),
        ),
    ),
    Layout(
        "SRFBN's authors",
        "srfbn",
        (
            ("mean_off", "sub_mean"),
            ("features.#", "conv_in.# feat_in.#"),
            ("feedback.join.#", "block.compress_in.#"),
            ("feedback.up.#.#", "block.upBlocks.#.#"),
            ("feedback.down.#.#", "block.downBlocks.#.#"),
            ("feedback.before_up.#.#", "block.uptranBlocks.#.#"),
            ("feedback.before_down.#.#", "block.downtranBlocks.#.#"),
            ("feedback.fusion.#", "block.compress_out.#"),
            ("enlarge.#", "out.#"),
            ("tail", "conv_out.#"),
            ("mean_on", "add_mean"),
        ),
        _BYTE,
    ),
    Layout(
        "BasicSR",
        "rrdbnet",
        (
            ("features.first", "conv_first"),
            ("features.blocks.#.blocks.#.convs.#", "body.#.rdb#.conv#"),
            ("features.last", "conv_body"),
            ("enlarge.#", "conv_up#"),
            ("tail.#", "conv_hr conv_last"),
        ),
    ),
    Layout(
        "ESRGAN",
        "rrdbnet",
        (
            ("features.first", "conv_first"),
            ("features.blocks.#.blocks.#.convs.#", "RRDB_trunk.#.RDB#.conv#"),
            ("features.last", "trunk_conv"),
            ("enlarge.#", "upconv#"),
            ("tail.#", "HRconv conv_last"),
        ),
    ),
    Layout(
        "ESRGAN's first files",
        "rrdbnet",
        (
            ("features.blocks.#.blocks.#.convs.#", "#.sub.#.RDB#.conv#.#"),
            ("features.last", "#.sub.#"),
            ("features.first enlarge.# tail.#", "#"),
        ),
    ),
    Layout(
        "SPAN's authors",
        "span",
        (
            ("head last", "conv_#"),
            ("blocks.#.convs.#", "block_#.c#_r"),
            ("join", "conv_cat"),
            ("enlarge", "upsampler.#"),
        ),
        BARE_LESS_DIV2K,
    ),
    Layout(
        "SVLRM's authors",
        "svlrm",
        (
            ("body.#", "first_layer feature_block.#"),
            ("last", "final_layer"),
        ),
    ),
)


def layouts_of(spec: ModelSpec) -> tuple[Layout, ...]:
    """The layouts known of the family of `spec`."""
    return tuple(layout for layout in LAYOUTS if layout.family == family_of(spec))
