"""Beaten, met, short or not measured: the verdicts of docs/results.md, on tables made by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from superfine.benchmark.metric import METRICS
from superfine.benchmark.papers import Published, published
from superfine.benchmark.record import COLUMNS
from superfine.benchmark.standing import (
    LOWER_IS_BETTER,
    Measured,
    Shelf,
    judged,
    read_measured,
)
from superfine.card import Card

FIGURE = Published(
    model="fsrcnn",
    data_set="set5",
    scale=3,
    metric="psnr",
    value=32.75,
    printed="32.75",
    unit="dB",
    source="seed zoo: own run",
    protocol="seed-zoo",
    trained_on="",
    doubtful=False,
    note="",
)
ROW = Measured(
    date="2026-01-02T00:00:00Z",
    model="fsrcnn",
    weights="new",
    data_set="set5",
    pictures=5,
    scale=3,
    protocol="seed-zoo",
    metric="psnr",
    value=Decimal("32.800000"),
)
CARD = Card("fsrcnn", 3, "y", training_data=("T91 (91 pictures)",), sha256="new")


def figure(printed: str, metric: str = "psnr") -> Published:
    return replace(FIGURE, printed=printed, metric=metric)


def measured(value: str) -> Measured:
    return replace(ROW, value=Decimal(value))


def stand(figure=FIGURE, *rows, cards=(CARD,), models=("fsrcnn",), absent=()):
    return Shelf(rows, tuple(cards), frozenset(absent)).stand(figure, models)


@pytest.mark.parametrize(
    ("printed", "value", "standing"),
    [
        ("32.75", "32.755001", "beaten"),
        ("32.75", "32.755000", "met"),
        ("32.75", "32.750000", "met"),
        ("32.75", "32.745000", "met"),
        ("32.75", "32.744999", "short"),
        ("38.0", "38.051000", "beaten"),
        ("38.0", "37.950000", "met"),
        ("0.9090", "0.909051", "beaten"),
        ("0.9090", "0.908949", "short"),
        ("38", "37.400000", "short"),
    ],
)
def test_a_printed_figure_stands_for_all_that_is_rounded_to_it(printed, value, standing):
    assert judged(figure(printed), measured(value)).standing == standing


@pytest.mark.parametrize(
    ("value", "standing"),
    [
        ("32.755001", "beaten"),
        ("32.750000", "met"),
        ("32.749999", "short"),
    ],
)
def test_an_exact_figure_is_not_met_from_below(value, standing):
    assert judged(figure("32.75"), measured(value), exact=True).standing == standing


@pytest.mark.parametrize(
    ("value", "standing", "gain", "ours"),
    [
        ("1.660000", "beaten", "+0.080", "1.660"),
        ("1.744900", "met", "-0.005", "1.745"),
        ("1.745001", "short", "-0.006", "1.746"),
    ],
)
def test_less_is_better_where_errors_are_measured(value, standing, gain, ours):
    cell = judged(figure("1.74", "rmse"), measured(value))
    assert (cell.standing, cell.gain_cut, cell.ours_cut) == (standing, gain, ours)


def test_the_directions_are_those_of_the_metrics():
    known = {metric.name: metric.higher_is_better for metric in METRICS}
    both = {f.metric for f in published()} & known.keys()
    assert {"psnr", "ssim", "ifc"} <= both
    assert all((name in LOWER_IS_BETTER) != known[name] for name in both)


@pytest.mark.parametrize(
    ("value", "ours", "gain"),
    [
        ("32.759999", "32.759", "+0.009"),
        ("32.750999", "32.750", "+0.000"),
        ("32.749999", "32.749", "-0.001"),
        ("32.700001", "32.700", "-0.050"),
    ],
)
def test_nothing_is_rounded_up(value, ours, gain):
    cell = judged(figure("32.75"), measured(value))
    assert (cell.ours_cut, cell.gain_cut) == (ours, gain)


def test_the_newest_row_counts():
    older = replace(ROW, date="2026-01-01T00:00:00Z", value=Decimal(40))
    same_second = replace(ROW, value=Decimal(33))
    assert stand(FIGURE, ROW, older).ours == ROW
    assert stand(FIGURE, ROW, same_second).ours == same_second


def test_weights_that_are_no_longer_shipped_count_for_nothing():
    newer = replace(ROW, weights="old", date="2027-01-01T00:00:00Z", value=Decimal(40))
    assert stand(FIGURE, ROW, newer).ours == ROW
    cell = stand(FIGURE, newer)
    assert (cell.standing, cell.lack) == ("not measured", "row")


@pytest.mark.parametrize(
    "other", [{"data_set": "set14", "pictures": 14}, {"scale": 2}, {"metric": "ssim"}]
)
def test_only_the_same_cell_counts(other):
    assert stand(FIGURE, replace(ROW, **other)).lack == "row"


def test_a_mean_over_a_part_of_a_set_counts_for_nothing():
    urban = replace(FIGURE, data_set="urban100")
    row = replace(ROW, data_set="urban100", pictures=8)
    assert stand(urban, row, absent=["urban100"]).lack == "pictures"
    assert stand(urban, row).lack == "row"
    whole = replace(row, pictures=100)
    assert stand(urban, row, whole, absent=["urban100"]).ours == whole


def test_a_picture_of_a_set_is_missing_with_the_set():
    one = replace(FIGURE, data_set="holopix/coffee")
    assert stand(one, absent=["holopix"]).lack == "pictures"


def test_a_network_without_weights_lacks_them_at_that_scale():
    assert stand(FIGURE, ROW, cards=[]).lack == "weights"
    assert stand(FIGURE, cards=[replace(CARD, scale=2)]).lack == "weights"
    assert stand(FIGURE, models=["espcn"]).lack == "weights"


@pytest.mark.parametrize("folder", ["BSDS200_extra", "BSD200", "train/BSDS200_extra"])
def test_weights_are_not_measured_on_what_they_have_seen(folder):
    card = replace(CARD, training_data=("T91 (91 pictures)", f"{folder} (200 files)"))
    bsd200 = replace(FIGURE, data_set="bsd200")
    row = replace(ROW, data_set="bsd200", pictures=200)
    assert stand(bsd200, row, cards=[card]).lack == "seen"
    assert stand(bsd200, row).ours == row


def test_bicubic_needs_no_weights():
    row = replace(ROW, model="bicubic", weights="")
    assert stand(FIGURE, row, cards=[], models=["bicubic"]).ours == row
    assert stand(FIGURE, cards=[], models=["bicubic"]).lack == "row"
    assert stand(FIGURE, row).lack == "row"
    assert stand(FIGURE, replace(row, model="mine"), models=["bicubic"]).lack == "row"


def test_the_protocol_of_the_figure_comes_first_then_y_matlab():
    near = replace(ROW, protocol="y-matlab", date="2027-01-01T00:00:00Z")
    assert stand(FIGURE, near, ROW).ours == ROW
    cell = stand(FIGURE, near)
    assert cell.ours == near
    assert cell.of_another_protocol
    assert not stand(FIGURE, ROW).of_another_protocol


@pytest.mark.parametrize("protocol", ["y-matlab", "seed-holopix", "seed-svlrm", "rgb-div2k"])
def test_other_protocols_do_not_compare(protocol):
    other = "seed-zoo" if protocol == "y-matlab" else "y-matlab"
    asked = replace(FIGURE, protocol=protocol)
    assert stand(asked, replace(ROW, protocol=other)).lack == "row"


def test_the_first_network_that_was_measured_stands():
    second = replace(ROW, weights="second", value=Decimal(40))
    cards = [CARD, Card("fsrcnn-small", 3, "y", sha256="second")]
    models = ["vdsr", "fsrcnn", "fsrcnn-small"]
    assert stand(FIGURE, second, ROW, cards=cards, models=models).ours == ROW
    assert stand(FIGURE, second, cards=cards, models=models).ours == second


def test_self_ensembles_and_lr_of_other_people_are_not_read(tmp_path):
    line = {
        **dict.fromkeys(COLUMNS, ""),
        **{"date": ROW.date, "model": "fsrcnn", "weights_sha256": "new", "set": "set5"},
        **{"pictures": "5", "scale": "3", "protocol": "seed-zoo", "metric": "psnr"},
        **{"value": "32.800000", "self_ensemble": "no", "lr": "matlab-8bit-replicate"},
    }
    lines = [line, line | {"self_ensemble": "yes"}, line | {"lr": "LR"}, line | {"lr": "matlab"}]
    table = tmp_path / "measured.csv"
    table.write_text("\n".join(",".join(row) for row in (COLUMNS, *(x.values() for x in lines))))
    assert read_measured(table) == (ROW,)
