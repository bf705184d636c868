"""The networks of the seeds' tables and of the targets, and why ours does not meet a figure.

`bench/results.py` makes docs/results.md of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from superfine.benchmark.papers import Published, published
from superfine.benchmark.standing import Cell, Shelf

ZOO, SVLRM, HOLOPIX = "543877815/cv_practise", "sunny2109/SVLRM", "arjunarao619/SRCNN_Pytorch"

# First words of the sources that are tables of a seed, and what the page calls the column.
COLUMNS = {
    "seed zoo: own run": "own run",
    "seed zoo: 'paper' column": "'paper'",
    "seed zoo: table": "table",
    "seed README: arjunarao619/SRCNN_Pytorch": "README",
    "authors: sunny2109/SVLRM README of 2021-03": "README of 2021-03",
    "authors: sunny2109/SVLRM README": "README",
    "authors: sunny2109/SVLRM logs of 2020-06": "logs of 2020-06",
    "authors: sunny2109/SVLRM logs of 2021-03": "logs of 2021-03",
    "paper: Pan et al., CVPR 2019": "'paper'",
}


@dataclass(frozen=True)
class Network:
    """A network of the seeds' tables or of the targets.

    Attributes:
        title: What people call it.
        ours: Names in our zoo that may stand for it, best first.
        seed: Repository whose tables have it; empty where none has.
        theirs: Its names in `results/papers.csv`.
        targets: Scale -> PSNR on Set5, as printed.
        waits_for: What must happen where no weights are shipped.
        short: Why ours falls short, and what would close it.
    """

    title: str
    ours: tuple[str, ...]
    seed: str = ""
    theirs: tuple[str, ...] = ()
    targets: tuple[tuple[int, str], ...] = ()
    waits_for: str = ""
    short: str = ""


def _x234(*printed: str) -> tuple[tuple[int, str], ...]:
    return tuple(zip((2, 3, 4), printed, strict=True))


_ROUNDED = (
    "Under `seed-zoo` LR pictures are rounded to 8 bits, and ours has not learned from such: "
    "training on them too would close a part."
)

_MORE_PICTURES = (
    "The paper's weights come from {theirs}, ours from the few hundred pictures named below. "
    "More steps of {recipes}, on more pictures, would close it. " + _ROUNDED
)

NETWORKS: tuple[Network, ...] = (
    Network("Bicubic", ("bicubic",), ZOO, ("bicubic",)),
    Network(
        "SRCNN 9-5-5",
        ("srcnn-955",),
        ZOO,
        ("srcnn-955",),
        _x234("36.66", "32.75", "30.49"),
        waits_for="`recipe:srcnn-955-x2`, `recipe:srcnn-955-x3` and `recipe:srcnn-955-x4`, on two "
        "cores.",
        short=_MORE_PICTURES.format(
            theirs="395,909 pictures of ImageNet", recipes="`recipe:srcnn-955-x2` and its siblings"
        ),
    ),
    Network(
        "FSRCNN",
        ("fsrcnn",),
        ZOO,
        ("fsrcnn",),
        _x234("37.00", "33.18", "30.72"),
        waits_for="`recipe:fsrcnn-x2`, `recipe:fsrcnn-x3` and `recipe:fsrcnn-x4`, on two cores.",
        short="The paper trains on General-100 too, which is not at hand. " + _ROUNDED,
    ),
    Network(
        "ESPCN",
        ("espcn",),
        ZOO,
        ("espcn",),
        _x234("36.70", "33.00", "30.90"),
        waits_for="`recipe:espcn-x2`, `recipe:espcn-x3` and `recipe:espcn-x4`, on two cores.",
        short=_MORE_PICTURES.format(
            theirs="50,000 pictures of ImageNet", recipes="`recipe:espcn-x2` and its siblings"
        ),
    ),
    Network(
        "VDSR",
        ("vdsr", "vdsr-nobias", "vdsr-22"),
        ZOO,
        ("vdsr-22", "vdsr", "vdsr-nobias"),
        _x234("37.53", "33.67", "31.35"),
        waits_for="`recipe:vdsr`, one network for x2, x3 and x4, on a GPU.",
    ),
    Network(
        "DRCN",
        ("drcn", "drcn-17"),
        ZOO,
        ("drcn-17", "drcn"),
        _x234("37.63", "33.82", "31.53"),
        waits_for="`recipe:drcn-x2`, then `recipe:drcn-x3` and `recipe:drcn-x4`, on a GPU.",
    ),
    Network(
        "DRRN",
        ("drrn",),
        ZOO,
        ("drrn",),
        _x234("37.74", "34.05", "31.69"),
        waits_for="`recipe:drrn`, one network for x2, x3 and x4, on a GPU.",
    ),
    Network(
        "LapSRN",
        ("lapsrn", "lapsrn-official"),
        targets=(*_x234("37.52", "33.81", "31.54"), (8, "26.15")),
        waits_for="`recipe:lapsrn-x2`, `recipe:lapsrn-x4` and `recipe:lapsrn-x8`, on a GPU. x3 is "
        "x4 made smaller, as in the paper.",
    ),
    Network(
        "EDSR-baseline",
        ("edsr-baseline",),
        targets=_x234("37.99", "34.37", "32.09"),
        waits_for="`recipe:edsr-baseline-x2`, then `recipe:edsr-baseline-x4` and "
        "`recipe:edsr-baseline-x3`, on a GPU; as its paper trains it, DIV2K.",
    ),
    Network(
        "WDSR, 16 blocks",
        ("wdsr-a",),
        targets=_x234("38.08", "34.45", "32.22"),
        waits_for="`recipe:wdsr-a-x2`, then `recipe:wdsr-a-x4` and `recipe:wdsr-a-x3`, on a GPU; "
        "as its paper trains it, DIV2K.",
    ),
    Network(
        "RDN",
        ("rdn-b", "rdn-a"),
        ZOO,
        ("rdn-b",),
        _x234("38.00", "34.48", "32.10"),
        waits_for="`recipe:rdn-b-x2`, then `recipe:rdn-b-x4` and `recipe:rdn-b-x3`, with "
        "`network=rdn-a`, on a GPU; RDN-B as its paper trains it, DIV2K. It has no x8 here.",
    ),
    Network(
        "RCAN, light",
        ("rcan-light", "rcan"),
        targets=_x234("38.0", "34.4", "32.2"),
        waits_for="`recipe:rcan-x2`, then `recipe:rcan-x4` and `recipe:rcan-x3`, with "
        "`network=rcan-light`, on a GPU.",
    ),
    Network(
        "SPAN, to be the default",
        ("span", "span-48", "span-28"),
        targets=_x234("38.0", "34.3", "32.1"),
        waits_for="`recipe:span-x2`, then `recipe:span-x4` and `recipe:span-x3`, on a GPU.",
    ),
    Network(
        "SRFBN-S, the frozen network of DARSR",
        ("srfbn-s",),
        targets=_x234("37.78", "34.20", "31.98"),
        waits_for="`recipe:srfbn-s-x2`, `recipe:srfbn-s-x3` and `recipe:srfbn-s-x4`, on a GPU.",
    ),
    Network("SRCNN on Holopix", ("srcnn-955",), HOLOPIX, ("srcnn-955",)),
    Network(
        "SVLRM",
        ("svlrm",),
        SVLRM,
        ("svlrm",),
    ),
)

# Sets of which pictures are missing, and what that means.
ABSENT = {
    "urban100": "8 of the 100 pictures are at hand, and a mean over 8 stands beside no mean over "
    "100. The other 92 would close it.",
    "manga109": "None of the 109 pictures, given on application, is at hand. They would close it.",
    "nyuv2": "3 of the 449 test frames are at hand, and none of the 1,000 that "
    "`recipe:svlrm-x4`, `recipe:svlrm-x8` and `recipe:svlrm-x16` learn from. All 1,449 would "
    "close it, and a benchmark of depth maps: `superfine benchmark` measures pictures.",
    "holopix": "None of the pictures is at hand, and nothing can meet these figures: they compare "
    "the result with the network's own input and are 48.13 dB too high "
    "([protocols](protocols.md)).",
}

# What the seeds have without a figure.
BARE = (
    ("LapSRN", ZOO, "a heading without figures"),
    ("RCAN", ZOO, "a heading without figures"),
    ("WDSR", ZOO, "a heading, neither figures nor code"),
    ("GLEAN", ZOO, "a network without results; here it waits for its pictures and a generator"),
    ("DSDMSR", "asrimanth/DSDMSR-PyTorch", "pictures, no figures; here it waits for DTU's maps"),
    ("DARSR", "edbca/DARSR", "no figures; the method is not part of this project yet"),
)


@dataclass(frozen=True)
class Section:
    """A network with its cells of the seeds' tables, and its targets."""

    network: Network
    cells: tuple[Cell, ...]
    targets: tuple[Cell, ...]


def sections(shelf: Shelf) -> tuple[Section, ...]:
    """Every network with ours beside every figure.

    Raises:
        ValueError: When a network has cells that call for a reason, and none is written.
    """
    found = tuple(
        Section(
            network,
            tuple(shelf.stand(figure, network.ours) for figure in figures(network)),
            tuple(shelf.stand(t, network.ours, exact=True) for t in _targets(network)),
        )
        for network in NETWORKS
    )
    for section in found:
        _check(section)
    return found


def figures(network: Network) -> tuple[Published, ...]:
    """The figures of its seed, each once, by set, metric and scale."""
    theirs = {
        (f.data_set, f.scale, f.metric, f.source, f.trained_on): f
        for f in published()
        if f.model in network.theirs and f.source in COLUMNS and _seed(f) == network.seed
    }
    sets = list(dict.fromkeys(f.data_set for f in theirs.values()))
    metrics = list(dict.fromkeys(f.metric for f in theirs.values()))

    def place(figure: Published) -> tuple[int, int, int]:
        return sets.index(figure.data_set), metrics.index(figure.metric), figure.scale

    return tuple(sorted(theirs.values(), key=place))


def _seed(figure: Published) -> str:
    if figure.source.startswith("seed zoo"):
        return ZOO
    return HOLOPIX if figure.source.startswith("seed README") else SVLRM


def _targets(network: Network) -> Iterator[Published]:
    for scale, printed in network.targets:
        yield Published(
            model=network.title,
            data_set="set5",
            scale=scale,
            metric="psnr",
            value=float(printed),
            printed=printed,
            unit="dB",
            source="target",
            protocol="y-matlab",
            trained_on="",
            doubtful=False,
            note="",
        )


def _check(section: Section) -> None:
    network, every = section.network, (*section.cells, *section.targets)
    if not network.waits_for and any(cell.lack == "weights" for cell in every):
        raise ValueError(f"{network.title} has cells without weights: say what they wait for.")
    if not network.short and any(needs_reason(cell) for cell in every):
        raise ValueError(f"{network.title} has short cells: say why, and what would close them.")


def needs_reason(cell: Cell) -> bool:
    """Whether it is short; the note of a doubtful figure is reason enough."""
    return cell.standing == "short" and not cell.figure.doubtful
