"""The data sets of the field's tables: what each holds, who made it and where it is to be had.

Facts are those of the authors' own pages and of public projects that write them down; what nobody
wrote down is None, or says "unknown". No picture is shipped and none is downloaded unasked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Archive:
    """A file at the authors' own place whose sha256 is publicly known.

    Attributes:
        url: Where it lies.
        sha256: Of the whole file, 64 lower-case hexadecimal digits.
        size: In bytes; None where nobody wrote it down.
        witness: The public project that wrote the sha256 down.
    """

    url: str
    sha256: str
    size: int | None
    witness: str


@dataclass(frozen=True)
class DataSet:
    """A set of pictures that tables are made of, or networks are trained on.

    Attributes:
        name: What users type: lower case, without spaces.
        title: As it is written in tables, and the folder it is put into.
        aliases: Other names of the same pictures, in lower case.
        pictures: How many; None where that is not known.
        folders: Folders it usually lies in, below a folder of data sets; full-size pictures first.
        licence: What its authors allow, in a few words.
        paper: Who made it: authors, venue, year.
        origin: Where it is to be had.
        about: What must be known to compare figures.
        task: Whether it is measured with or trained on.
        parts: Names of the sets in `contents.csv` that together are this one; none where the
            pixels of no picture are known.
        archive: Where `get` downloads it from; None where it has to be told.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    pictures: int | None
    folders: tuple[str, ...]
    licence: str
    paper: str
    origin: str
    about: str
    task: Literal["test", "train"]
    parts: tuple[str, ...] = ()
    archive: Archive | None = None


# Around the folder of a set, as in the public projects that come with data or say how to lay it.
_OUTER = ("", "testsets/", "benchmark/", "train/", "datasets/")
# Inside it. GTmod12 is cut to a multiple of 12 pixels, and found last.
_INNER = ("", "/HR", "/original", "/GTmod12")


def _folders(*names: str, inner: tuple[str, ...] = _INNER) -> tuple[str, ...]:
    return tuple(outer + name + inside for inside in inner for name in names for outer in _OUTER)


_BERKELEY = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision"
_BERKELEY_LICENCE = "non-commercial research and education"
_BSDS300_PAPER = "Martin, Fowlkes, Tal, Malik, ICCV 2001"
_BSDS300 = f"{_BERKELEY}/grouping/segbench/BSDS300-images.tgz"
_BSDS500_PAPER = "Arbelaez, Maire, Fowlkes, Malik, TPAMI 2011"
_BSDS500 = f"{_BERKELEY}/grouping/BSR/BSR_bsds500.tgz"
_BSDS300_ARCHIVE = Archive(
    url=_BSDS300,
    sha256="a5f7d0e49fe135c75518a3543ced24470156fd69305ae77845dff2a5138652b4",
    size=None,
    witness="several student projects on GitHub, perhaps not independent",
)
_BOX = "https://uofi.box.com/shared/static"
_DIV2K_PAPER = "Agustsson, Timofte, CVPR Workshops 2017"
_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K"
_DIV2K_LICENCE = "academic research only"
_TFDS = "tensorflow/datasets, datasets/div2k/checksums.tsv"
_NOT_STATED = "not stated"

CATALOGUE: tuple[DataSet, ...] = (
    DataSet(
        name="set5",
        title="Set5",
        aliases=(),
        pictures=5,
        folders=_folders("Set5"),
        licence=_NOT_STATED,
        paper="Bevilacqua, Roumy, Guillemot, Alberi-Morel, BMVC 2012",
        origin="http://people.rennes.inria.fr/Aline.Roumy/results/SR_BMVC12.html",
        about="baby, bird, butterfly, head and woman, in colour. The first column of every table.",
        task="test",
        parts=("set5",),
    ),
    DataSet(
        name="set14",
        title="Set14",
        aliases=(),
        pictures=14,
        folders=_folders("Set14"),
        licence=_NOT_STATED,
        paper="Zeyde, Elad, Protter, Curves and Surfaces 2010",
        origin="https://sites.google.com/site/romanzeyde/research-interests",
        about="bridge is grey: its values are its luma. Copies that hold it as RGB give another "
        "luma, and another mean.",
        task="test",
        parts=("set14",),
    ),
    DataSet(
        name="bsd100",
        title="B100",
        aliases=("b100", "bsds100"),
        pictures=100,
        folders=(
            *_folders("B100", "BSD100", "BSDS100"),
            "BSDS300/images/test",
            "BSR/BSDS500/data/images/val",
            "BSDS500/data/images/val",
        ),
        licence=_BERKELEY_LICENCE,
        paper=_BSDS300_PAPER,
        origin=_BSDS300,
        about="The test pictures of BSDS300, which are the validation pictures of BSDS500.",
        task="test",
        parts=("bsd100",),
        archive=_BSDS300_ARCHIVE,
    ),
    DataSet(
        name="bsd200",
        title="BSD200",
        aliases=("bsds500-test",),
        pictures=200,
        folders=(
            *_folders("BSD200"),
            "train/BSDS200_extra",
            "BSR/BSDS500/data/images/test",
            "BSDS500/data/images/test",
        ),
        licence=_BERKELEY_LICENCE,
        paper=_BSDS500_PAPER,
        origin=_BSDS500,
        about="The test pictures of BSDS500, the BSD200 that networks are measured on. The 200 "
        "training pictures, which are called BSD200 too, are bsds200 here.",
        task="test",
        parts=("bsd200",),
    ),
    DataSet(
        name="urban100",
        title="Urban100",
        aliases=(),
        pictures=100,
        folders=_folders("Urban100"),
        licence=_NOT_STATED,
        paper="Huang, Singh, Ahuja, CVPR 2015",
        origin=f"{_BOX}/65upg43jjd0a4cwsiqgl6o6ixube6klm.zip (1.14 GB)",
        about="Two versions go around, cut to multiples of 2 and of 4 pixels. The sides of the 8 "
        "pictures known here are multiples of 4.",
        task="test",
        parts=("urban100",),
    ),
    DataSet(
        name="manga109",
        title="Manga109",
        aliases=(),
        pictures=109,
        folders=_folders("Manga109"),
        licence="academic use by academic institutions; not to be passed on",
        paper="Matsui and others, Multimedia Tools and Applications 2017",
        origin="http://www.manga109.org/en/ (on application)",
        about="One picture of each of 109 volumes. Which one and at which size is not written "
        "down: copies differ, and so do figures.",
        task="test",
    ),
    DataSet(
        name="div2k-valid",
        title="DIV2K_valid_HR",
        aliases=("div2k", "div2k100", "div2k_valid_hr"),
        pictures=100,
        folders=_folders("DIV2K_valid_HR", "DIV2K/DIV2K_valid_HR", inner=("",)),
        licence=_DIV2K_LICENCE,
        paper=_DIV2K_PAPER,
        origin=f"{_DIV2K}/DIV2K_valid_HR.zip",
        about="Pictures 0801 to 0900. EDSR's authors validate on 0801 to 0810 only.",
        task="test",
        archive=Archive(
            url=f"{_DIV2K}/DIV2K_valid_HR.zip",
            sha256="20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
            size=448_993_893,
            witness=_TFDS,
        ),
    ),
    DataSet(
        name="div2k-train",
        title="DIV2K_train_HR",
        aliases=("div2k800", "div2k_train_hr"),
        pictures=800,
        folders=_folders("DIV2K_train_HR", "DIV2K/DIV2K_train_HR", inner=("",)),
        licence=_DIV2K_LICENCE,
        paper=_DIV2K_PAPER,
        origin=f"{_DIV2K}/DIV2K_train_HR.zip",
        about="Pictures 0001 to 0800.",
        task="train",
        archive=Archive(
            url=f"{_DIV2K}/DIV2K_train_HR.zip",
            sha256="9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
            size=3_530_603_713,
            witness=_TFDS,
        ),
    ),
    DataSet(
        name="sunhays80",
        title="SunHays80",
        aliases=("sun-hays80", "sun-hays-80"),
        pictures=80,
        folders=_folders("SunHays80", "Sun-Hays80"),
        licence=_NOT_STATED,
        paper="Sun, Hays, ICCP 2012",
        origin=f"{_BOX}/rirohj4773jl7ef752r330rtqw23djt8.zip (311 MB)",
        about="Measured at x8, by SelfExSR and few others.",
        task="test",
    ),
    DataSet(
        name="holopix50k",
        title="Holopix50k",
        aliases=("holopix",),
        pictures=41_742,
        folders=_folders("Holopix50k/train/left", "holopix50k_train_left", inner=("",)),
        licence="non-commercial, with attribution",
        paper="Hua and others, CVPR Workshops 2020",
        origin="https://github.com/LeiaInc/holopix50k (its script fetches it)",
        about="The left pictures of the training part; val has 4,914 and test 2,468 pairs. The "
        "authors' lists name 49,124 pairs in all, their paper 49,368.",
        task="train",
    ),
    DataSet(
        name="t91",
        title="T91",
        aliases=("91", "91-image"),
        pictures=91,
        folders=_folders("T91", "91-image", "91-images"),
        licence=_NOT_STATED,
        paper="Yang, Wright, Huang, Ma, TIP 2010",
        origin="http://www.ifp.illinois.edu/~jyang29/ScSR.htm",
        about="What SRCNN, FSRCNN and ESPCN are trained on; with bsds200 it is the 291 pictures of "
        "VDSR, DRRN and LapSRN. t36 and t65 are one picture twice.",
        task="train",
        parts=("t91",),
    ),
    DataSet(
        name="bsds200",
        title="BSDS200",
        aliases=("bsds300-train",),
        pictures=200,
        folders=(
            *_folders("BSDS200"),
            "BSDS300/images/train",
            "BSR/BSDS500/data/images/train",
            "BSDS500/data/images/train",
        ),
        licence=_BERKELEY_LICENCE,
        paper=_BSDS300_PAPER,
        origin=_BSDS300,
        about="The training pictures of BSDS300 and of BSDS500. Also called BSD200, but not the "
        "test set of that name: that is bsd200 here. 302003 is the woman of Set5, larger.",
        task="train",
        parts=("bsds200",),
        archive=_BSDS300_ARCHIVE,
    ),
    DataSet(
        name="bsds300",
        title="BSDS300",
        aliases=("bsd300",),
        pictures=300,
        folders=_folders("BSDS300", "BSD300", inner=("",)),
        licence=_BERKELEY_LICENCE,
        paper=_BSDS300_PAPER,
        origin=_BSDS300,
        about="bsds200 and bsd100 together: training on it is training on the test set.",
        task="train",
        parts=("bsds200", "bsd100"),
        archive=_BSDS300_ARCHIVE,
    ),
    DataSet(
        name="bsds500",
        title="BSDS500",
        aliases=("bsd500",),
        pictures=500,
        folders=_folders("BSDS500", "BSD500", inner=("",)),
        licence=_BERKELEY_LICENCE,
        paper=_BSDS500_PAPER,
        origin=_BSDS500,
        about="bsds200, bsd100 and bsd200 together: training on it is training on two test sets.",
        task="train",
        parts=("bsds200", "bsd100", "bsd200"),
    ),
    DataSet(
        name="general100",
        title="General100",
        aliases=("general-100",),
        pictures=100,
        folders=_folders("General100", "General-100"),
        licence=_NOT_STATED,
        paper="Dong, Loy, Tang, ECCV 2016",
        origin="http://mmlab.ie.cuhk.edu.hk/projects/FSRCNN.html",
        about="What FSRCNN is trained further on, after t91.",
        task="train",
    ),
)
