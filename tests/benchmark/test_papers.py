"""`results/papers.csv` read whole: nothing lost, nothing twice, nothing unflagged."""

import csv
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict

import pytest

from superfine.benchmark.papers import Published, published, published_for
from superfine.models import ZOO
from tests.conftest import ROOT

HEADER = [
    *("model", "set", "scale", "metric", "value", "unit"),
    *("source", "protocol", "trained_on", "doubtful", "note"),
]

with (ROOT / "results" / "papers.csv").open(encoding="utf-8", newline="") as file:
    NAMES, *LINES = list(csv.reader(file))

ROWS = [dict(zip(HEADER, line, strict=True)) for line in LINES]

UNITS = {
    "psnr": {"dB"},
    "ssim": {"1"},
    "ifc": {"1"},
    "rmse": {"cm", "grey"},
    "lpips": {"1"},
    "dists": {"1"},
    "fid": {"1"},
    "niqe": {"1"},
    "musiq": {"1"},
    "parameters": {"K", "M"},
    "macs": {"G", "T"},
    "milliseconds": {"ms"},
    "seconds": {"s"},
    "frames-per-second": {"1/s"},
}

RANGES = {
    "psnr": (10, 50),
    "ssim": (0.3, 1),
    "ifc": (1, 9),
    "rmse": (0.5, 30),
    "lpips": (0, 1),
    "dists": (0, 1),
    "fid": (5, 100),
    "niqe": (2, 10),
    "musiq": (10, 100),
}

PROTOCOLS = {
    *("y-matlab", "y-rgb", "seed-zoo", "rgb-div2k", "seed-holopix"),
    *("registered-bicubic", "seed-svlrm"),
    # Not ours; docs/published.md says what they are.
    *("rgb", "mmagic", "osediff", "ntire-esr", "blind-y", "gaussian8"),
    *("depth-point", "nyu-point-cm", "nyu-bicubic-cm", "rgbdd-bicubic-cm", "rgbdd-real-cm"),
}

TRAINED_ON = {
    *("91", "291", "general-100", "imagenet", "imagenet-1000", "div2k", "df2k"),
    *("ffhq", "lsun-cat", "holopix", "nyuv2", "rgbdd"),
}

# Rows of each source, counted in the tables that were copied.
COUNTS = {
    "SelfExSR results: SRCNN": 17,
    "SelfExSR results: bicubic": 96,
    "authors: DAN README": 27,
    "authors: DCLS-SR figure": 17,
    "authors: DCTNet README": 14,
    "authors: DRCT README": 12,
    "authors: DualSR README": 6,
    "authors: EDSR-PyTorch README": 6,
    "authors: JiahuiYu/wdsr_ntire2018 README": 1,
    "authors: MoESR README": 12,
    "authors: PL-IDENet README": 4,
    "authors: SGNet figure": 4,
    "authors: SUFT README": 12,
    "authors: mmagic configs": 4,
    "authors: sunny2109/SVLRM README": 18,
    "authors: sunny2109/SVLRM README of 2021-03": 1,
    "authors: sunny2109/SVLRM logs of 2020-06": 9,
    "authors: sunny2109/SVLRM logs of 2021-03": 9,
    "authors: ychfan/wdsr README": 27,
    "issue: JingyunLiang/SwinIR 34": 1,
    "issue: cvlab-yonsei/dkn 5": 1,
    "issue: sefibk/KernelGAN 34": 4,
    "issue: yulunzhang/RCAN 89": 1,
    "issue: zhwzhong/DCNAS 2": 1,
    "issue: zhwzhong/DCNAS 2, second figure": 1,
    "paper tables, recalled otherwise: DIV2KRK": 4,
    "paper tables, recalled otherwise: depth": 6,
    "paper tables, recalled: DIV2KRK": 40,
    "paper tables, recalled: bicubic": 24,
    "paper tables, recalled: depth, bicubic LR": 132,
    "paper tables, recalled: depth, sampled LR": 84,
    "paper tables, second figure: Dong et al., TPAMI 2016": 4,
    "paper tables, second figure: Lai et al., CVPR 2017": 2,
    "paper tables, second figure: complexity": 1,
    "paper tables: Dong et al., ECCV 2016": 30,
    "paper tables: Dong et al., TPAMI 2016": 30,
    "paper tables: Kim et al., CVPR 2016": 60,
    "paper tables: Lai et al., CVPR 2017": 30,
    "paper tables: Lim et al., CVPRW 2017": 40,
    "paper tables: OSEDiff": 74,
    "paper tables: PFT, 2025": 194,
    "paper tables: PlainUSR": 6,
    "paper tables: Shi et al., CVPR 2016": 6,
    "paper tables: Tai et al., CVPR 2017": 30,
    "paper tables: Wang et al., ECCVW 2018": 10,
    "paper tables: Zhang et al., CVPR 2018": 30,
    "paper tables: Zhang et al., ECCV 2018": 30,
    "paper tables: bicubic": 30,
    "paper tables: complexity": 22,
    "paper tables: lightweight networks": 85,
    "paper, recalled: HAT": 16,
    "paper, recalled: HMANet": 5,
    "paper, recalled: Lai et al., CVPR 2017": 30,
    "paper, recalled: Zhang et al., CVPR 2018": 1,
    "paper, recalled: Zhang et al., ECCV 2018": 20,
    "paper: DCNAS": 1,
    "paper: Pan et al., CVPR 2019": 3,
    "paper: UCAN, 2026": 2,
    "report: NTIRE 2022 efficient SR": 5,
    "report: NTIRE 2024 efficient SR": 5,
    "report: NTIRE 2025 efficient SR": 14,
    "rerun: BasicSR model zoo": 4,
    "rerun: mmagic README": 21,
    "rerun: super-image leaderboard": 24,
    "rerun: three VDSR and DRCN ports": 1,
    "rerun: traiNNer-redux table": 15,
    "rerun: twtygqyy/pytorch-LapSRN": 3,
    "rerun: twtygqyy/pytorch-vdsr": 3,
    "seed README: arjunarao619/SRCNN_Pytorch": 6,
    "seed zoo: 'paper' column": 157,
    "seed zoo: own run": 182,
    "seed zoo: table": 32,
    "tables of others: sunny2109/SVLRM": 3,
}

# Cells typed from the tables a second time: model, set, scale, metric, first words of the source,
# training set ("" where that does not matter), value.
SPOTS = """
bicubic set5 2 psnr|seed zoo: table||33.64
bicubic set5 4 ifc|seed zoo: table||2.28
bicubic set14 3 ssim|seed zoo: table||0.7737
bicubic urban100 4 ifc|seed zoo: table||2.27
bicubic bsd100 3 ifc|SelfExSR||3.0034
bicubic set5/butterfly 3 psnr|SelfExSR||24.038
bicubic set5/head 4 ifc|SelfExSR||1.972
bicubic set14/008 2 psnr|SelfExSR||34.132
bicubic set14/014 4 psnr|SelfExSR||24.059
bicubic manga109 3 ssim|paper tables: bicubic||0.8556
srcnn-915 set5 3 ifc|SelfExSR||4.1150
srcnn-915 urban100 4 psnr|SelfExSR||24.1443
srcnn-955 set14 3 psnr|seed zoo: own|91|28.84
srcnn-955 urban100 2 ssim|seed zoo: own|imagenet-1000|0.8996
srcnn-955 set5 4 psnr|seed zoo: 'paper'|imagenet|30.49
srcnn-955 set14 3 psnr|paper tables, second|imagenet|29.30
srcnn-955 manga109 2 psnr|paper tables:|imagenet|35.60
fsrcnn bsd100 3 ssim|seed zoo: own||0.7877
fsrcnn set5 3 psnr|seed zoo: 'paper'||33.06
fsrcnn urban100 4 ssim|paper tables||0.7280
vdsr-22 set14 2 psnr|seed zoo: own||32.84
vdsr-22 urban100 3 psnr|seed zoo: own||26.09
vdsr bsd100 3 psnr|seed zoo: 'paper'|291|28.82
vdsr manga109 4 ssim|paper tables||0.8870
vdsr-nobias set5 4 psnr|rerun|291|31.45
espcn set5 3 psnr|seed zoo: 'paper'|91|32.55
espcn bsd200 4 psnr|seed zoo: 'paper'|imagenet|27.06
espcn set14 4 ssim|seed zoo: own|91|0.7396
espcn set5 3 psnr|paper tables|imagenet|33.13
espcn-relu set14 3 psnr|paper tables|imagenet|29.42
drcn-17 set5 2 psnr|seed zoo: own||34.99
drcn urban100 4 ssim|seed zoo: 'paper'||0.7510
drrn set5 3 psnr|seed zoo: own||34.05
drrn urban100 2 ssim|seed zoo: 'paper'||0.9188
drrn manga109 2 psnr|paper tables||37.60
lapsrn set14 4 psnr|rerun||28.27
lapsrn-official set5 8 psnr|paper, recalled||26.15
lapsrn-official set14 2 psnr|paper tables, second||33.08
rdn-b set5 2 psnr|seed zoo: own||38.00
rdn-b urban100 3 ssim|seed zoo: 'paper'||0.8695
rdn-b manga109 8 psnr|seed zoo: 'paper'||25.14
rdn-b bsd100 4 ssim|paper tables||0.7419
rcan urban100 2 psnr|paper tables||33.34
rcan set14 8 psnr|paper, recalled||25.23
rcan urban100 4 psnr|rerun|df2k|27.16
edsr div2k-valid 3 psnr|authors||31.26
edsr-baseline manga109 2 ssim|paper tables||0.9769
edsr set5 4 psnr|rerun: BasicSR||30.55
wdsr-a urban100 3 psnr|authors||28.33
wdsr-a-32x128 div2k-valid 4 psnr|authors||29.33
rrdbnet urban100 4 psnr|paper tables|df2k|27.03
glean-16-256 cat 16 psnr|authors||20.88
svlrm nyuv2 8 rmse|authors: sunny2109/SVLRM README||3.20587
svlrm nyuv2 16 ssim|authors: sunny2109/SVLRM logs of 2021||0.95697
svlrm nyuv2 4 psnr|authors: sunny2109/SVLRM logs of 2020||43.94
svlrm nyuv2/320 8 psnr|authors||36.3428
srcnn-955 holopix/doggie 3 psnr|seed README||84.21
swinir urban100 3 psnr|paper tables|df2k|29.75
cat-a set14 2 ssim|paper tables|df2k|0.9265
ipg urban100 4 ssim|paper tables|df2k|0.8392
atd manga109 2 psnr|paper tables|df2k|40.37
pft bsd100 3 ssim|paper tables|df2k|0.8178
hat-l manga109 3 psnr|paper, recalled||36.02
drct-l urban100 4 psnr|authors||28.70
imdn bsd100 4 psnr|paper tables||27.56
span manga109 4 psnr|paper tables||30.66
elan-light 1280x720 4 macs|paper tables||54.1
pft-light urban100 3 psnr|paper tables||29.46
span-28 ntire-esr-test 4 psnr|report||27.01
mmsr 256x256 4 macs|report||13.85
seesr div2k-valid 4 fid|paper tables||25.90
resshift div2k-valid 4 lpips|paper tables||0.3349
osediff realsr 4 musiq|paper tables||69.09
dan-v2 div2krk 4 ssim|authors: DAN||0.7893
dan-v1 manga109 4 psnr|authors: DAN||30.50
moesr urban100rk 2 ssim|authors||0.8448
dualsr ntire2017 2 psnr|authors||28.82
koalanet div2krk/12 4 psnr|authors||28.47
dctnet lu 16 rmse|authors||4.388
suft rgbdd 8 rmse|authors||1.69
pac middlebury 16 rmse|paper tables, recalled||4.58
tgv nyuv2 16 rmse|paper tables, recalled||28.13
jbu lu 8 rmse|paper tables, recalled||5.06
""".strip().splitlines()

# Slips and traps: model, set, scale, metric, value, and a word of the note that explains it.
SLIPS = [
    ("vdsr", "bsd100", 4, "psnr", "26.90", "27.29"),
    ("bicubic", "set5", 2, "ssim", "0.9929", "0.9299"),
    ("bicubic", "urban100", 3, "psnr", "24.64", "24.46"),
    ("fsrcnn", "bsd100", 2, "psnr", "31.73", "BSD200"),
    ("srcnn-955", "bsd100", 2, "ssim", "0.8977", "0.8879"),
    ("espcn", "set5", 3, "psnr", "33.00", "ReLU"),
    ("drcn-17", "set5", 2, "psnr", "34.99", "37.63"),
    ("rdn-b", "set5", 2, "psnr", "38.30", "self-ensemble"),
    ("edsr", "set5", 3, "psnr", "35.31", "35.15"),
    ("edsr", "bsd100", 4, "psnr", "28.62", "28.02"),
    ("edsr-baseline", "set5", 4, "ssim", "0.8500", "0.8641"),
    ("liif-edsr", "set14", 3, "psnr", "0.8039", "28.4605"),
    ("liif-edsr", "set14", 3, "ssim", "30.9808", "0.8039"),
    ("srcnn-955", "holopix", 3, "psnr", "80.10", "31.97"),
    ("srcnn-955", "holopix/coffee", 3, "psnr", "87.30", "39.17"),
    ("srcnn-955", "holopix", 3, "ssim", "0.99", "own input"),
    ("svlrm", "nyuv2", 8, "rmse", "5.59", "grey levels"),
    ("svlrm", "nyuv2", 8, "rmse", "3.217", "centimetres"),
    ("svlrm", "nyuv2/436", 8, "rmse", "3.2991", "3.4063"),
    ("kernelgan-srmd", "div2krk", 4, "psnr", "27.51", "25.71"),
    ("dkn", "nyuv2", 4, "rmse", "1.23", "Middlebury"),
]


def cell(model: str, data_set: str, scale: int, metric: str, printed: str) -> Published:
    (found,) = {f for f in published_for(model, data_set, scale, metric) if f.printed == printed}
    return found


def test_the_header_is_the_documented_one():
    assert NAMES == HEADER


@pytest.mark.parametrize("name", ["model", "set", "scale", "metric", "value", "unit", "source"])
def test_no_row_lacks(name):
    assert all(row[name] for row in ROWS)


def test_every_row_is_well_formed():
    for row in ROWS:
        assert all(text == text.strip() for text in row.values()), row
        assert row["model"] == row["model"].lower()
        assert row["set"] == row["set"].lower()
        assert re.fullmatch(r"\d+(\.\d+)?", row["value"]), row
        assert int(row["scale"]) in (2, 3, 4, 8, 16)
        assert row["unit"] in UNITS[row["metric"]], row
        assert row["protocol"] in PROTOCOLS | {""}, row
        assert set(row["trained_on"].split("+")) <= TRAINED_ON | {""}, row
        assert row["doubtful"] in ("", "yes")


def test_what_measures_pictures_names_its_protocol():
    """The leaderboard whose protocol nobody knows is the one exception."""
    quality = [row for row in ROWS if row["metric"] in RANGES]
    unknown = {row["source"] for row in quality if not row["protocol"]}
    assert unknown == {"rerun: super-image leaderboard"}


def test_every_doubt_is_explained():
    assert all(row["note"] for row in ROWS if row["doubtful"])


def test_no_figure_stands_twice():
    key = ("model", "set", "scale", "metric", "source", "trained_on", "protocol")
    twice = [k for k, n in Counter(tuple(r[c] for c in key) for r in ROWS).items() if n > 1]
    assert not twice


def test_nothing_is_lost():
    assert Counter(row["source"] for row in ROWS) == COUNTS


def test_what_nobody_doubts_is_plausible():
    for f in published():
        low, high = RANGES.get(f.metric, (0, float("inf")))
        assert f.doubtful or low < f.value < high, f


def test_pictures_get_worse_with_the_scale():
    """x2 before x3 before x4, for the same network, pictures and source; no doubts excused."""
    runs: dict[tuple[str, ...], dict[int, float]] = defaultdict(dict)
    for f in published():
        if f.metric in ("psnr", "ssim", "ifc", "rmse"):
            run = (f.model, f.data_set, f.metric, f.source, f.protocol, f.trained_on)
            runs[run][f.scale] = -f.value if f.metric == "rmse" else f.value
    assert sum(len(run) > 1 for run in runs.values()) > 300
    for key, run in runs.items():
        values = [run[scale] for scale in sorted(run)]
        assert values == sorted(set(values), reverse=True), key


def test_undoubted_sources_agree():
    """Figures for one network, protocol and training set differ by no more than runs of it do."""
    cells: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for f in published():
        if f.metric == "psnr" and not f.doubtful and f.model != "kernelgan-zssr":
            cells[f.model, f.data_set, f.scale, f.protocol, f.trained_on].append(f.value)
    assert sum(len(values) > 1 for values in cells.values()) > 60
    assert max(max(values) - min(values) for values in cells.values()) == pytest.approx(0.12)


@pytest.mark.parametrize("line", SPOTS)
def test_a_cell_typed_twice_is_the_same(line):
    cell_of, source, trained_on, printed = line.split("|")
    model, data_set, scale, metric = cell_of.split()
    found = [
        f.printed
        for f in published_for(model, data_set, int(scale), metric)
        if f.source.startswith(source) and trained_on in ("", f.trained_on)
    ]
    assert printed in found


def test_enough_cells_are_typed_twice():
    assert len(set(SPOTS)) >= 80


@pytest.mark.parametrize(
    ("model", "data_set", "scale", "metric", "printed", "word"),
    SLIPS,
    ids=[f"{slip[0]}-{slip[1]}-x{slip[2]}-{slip[3]}" for slip in SLIPS],
)
def test_a_known_slip_is_kept_and_flagged(model, data_set, scale, metric, printed, word):
    found = cell(model, data_set, scale, metric, printed)
    assert found.doubtful
    assert word in found.note


def test_the_units_of_depth_are_told_apart():
    """The paper's are centimetres, its authors' code counts grey levels."""
    assert cell("svlrm", "nyuv2", 4, "rmse", "1.74").unit == "cm"
    assert cell("svlrm", "nyuv2", 4, "rmse", "1.66738").unit == "grey"


def test_the_best_figure_comes_first():
    """For VDSR the paper's 27.29, and the slip of 26.90 last."""
    found = published_for("vdsr", "bsd100", 4, "psnr")
    assert found[0].printed == "27.29"
    assert found[0].source.startswith("paper")
    assert found[-1].printed == "26.90"
    assert [f.doubtful for f in found] == sorted(f.doubtful for f in found)


def test_the_papers_come_before_those_who_ran_it_again():
    first, *rest = published_for("edsr", "set5", 4, "psnr")
    assert (first.printed, first.protocol) == ("32.46", "y-rgb")
    assert {f.source.split(":")[0] for f in rest} == {"rerun"}


def test_a_row_for_several_networks_answers_each():
    for plain, other in (("vdsr", "vdsr-nobias"), ("lapsrn", "lapsrn-official")):
        one, two = (published_for(m, "set14", 4, "psnr")[0] for m in (plain, other))
        assert one.printed == two.printed
        assert (one.model, two.model) == (plain, other)


def test_a_row_for_several_networks_is_of_our_zoo():
    ours = {spec.name for spec in ZOO}
    several = {row["model"] for row in ROWS if " " in row["model"]}
    assert several == {"vdsr vdsr-nobias", "lapsrn lapsrn-official"}
    assert all(set(models.split()) <= ours for models in several)


def test_the_networks_we_have_go_by_our_names():
    """Everything that was measured on Set5, or on depth, and that our zoo can build."""
    ours = {spec.name for spec in ZOO}
    told = {f.model for f in published()} & ours
    assert told == {
        *("bicubic", "srcnn-915", "srcnn-955", "fsrcnn", "espcn", "vdsr", "vdsr-nobias"),
        *("vdsr-22", "drcn", "drcn-17", "drrn", "lapsrn", "lapsrn-official", "edsr-baseline"),
        *("edsr", "rdn-b", "rcan", "wdsr-a", "wdsr-a-32x128", "imdn", "span", "span-28"),
        *("rrdbnet", "svlrm", "glean-32-256", "glean-16-256", "glean-64-1024", "glean-128-1024"),
    }


def test_what_nobody_published_is_empty():
    assert published_for("fsrcnn-small", "set5", 2, "psnr") == ()


def test_reading_needs_no_torch():
    code = (
        "import sys, superfine.benchmark.papers as p; p.published(); print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "False"


def test_the_table_is_packed_into_the_wheel():
    """Where an installed package looks for it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert packed["results/papers.csv"] == "superfine/results/papers.csv"
