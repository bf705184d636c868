"""The ledger: what networks cost, beside published figures and sums by hand."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from superfine import ledger
from superfine.benchmark.suite import run_benchmark
from superfine.card import shipped_cards
from superfine.checkpoints import load_model
from superfine.errors import UnknownNameError, UsageError
from superfine.inspection import Inspection, inspect, subject
from superfine.inspection.watch import peak_memory
from superfine.models import ZOO, ModelSpec, find
from tests.test_bench import loaded
from tests.zoo import heavy, inputs

# Thousand millions for a result of 1280x720, as the papers and the tables of the field have them.
PUBLISHED = {
    "srcnn-915": {2: 7.4, 3: 7.4, 4: 7.4},
    "srcnn-955": {2: 52.7, 3: 52.7, 4: 52.7},
    "fsrcnn": {2: 2.9, 3: 1.3, 4: 0.7},
    "espcn": {2: 4.9, 3: 2.3, 4: 1.4},
    "vdsr": {2: 612.6, 3: 612.6, 4: 612.6},
    "drcn": {2: 17974, 3: 17974, 4: 17974},
    "drrn": {2: 6796.9, 3: 6796.9, 4: 6796.9},
    "lapsrn": {2: 100.7, 4: 125.7},
    "edsr-baseline": {2: 316, 3: 160, 4: 114},
    "edsr": {2: 9385, 3: 4477, 4: 2895},
    "rdn-b": {2: 5096, 3: 2285, 4: 1309},
    "rcan": {2: 3527, 3: 1587, 4: 917},
    "wdsr-a": {2: 273, 3: 122, 4: 69.0},
    "imdn": {2: 158.8, 3: 71.5, 4: 40.9},
    "span-48": {2: 94.4, 4: 24.5},
}


def inspected(name: str, scale: int, size: tuple[int, int] | None = None) -> Inspection:
    found = subject(name, scale=scale)
    return inspect(found.network, found.spec, found.scale, size=size)


def spec_of(network: nn.Module, scale: int) -> ModelSpec:
    """The facts of a network made for a test."""
    count = sum(p.numel() for p in network.parameters())
    return ModelSpec("test", lambda _: network, (scale,), "rgb", {scale: 3}, "", {scale: count})


@pytest.mark.parametrize("name", PUBLISHED)
def test_macs_are_the_published_ones(name):
    """To 0.5 %, or to half of the last digit printed."""
    for scale, published in PUBLISHED[name].items():
        ours = ledger.read().networks[name].costs[scale].macs / 1e9
        assert ours == pytest.approx(published, rel=0.005, abs=0.05)


def test_every_published_figure_on_the_page_is_tested():
    on_the_page = {name: figures for name, (figures, _) in loaded("ledger").PUBLISHED.items()}
    assert on_the_page == PUBLISHED


def test_macs_are_the_sums_by_hand():
    # Every LR pixel meets each of FSRCNN's 12,464 weights once, of the transposed convolution too.
    for scale, lr_pixels in ((2, 640 * 360), (3, 427 * 240), (4, 320 * 180)):
        assert inspected("fsrcnn", scale).macs == 12_464 * lr_pixels
    # The 25 uses of two layers of 128 x 128 x 9 weights, and the first and the last layer.
    assert inspected("drrn", 2).macs == (50 * 128 * 128 * 9 + 2 * 128 * 9) * 1280 * 720
    assert inspected("bicubic", 2).macs == 0


class MSRResNet(nn.Module):
    """The baseline of the NTIRE 2020 challenge on efficient super-resolution, without its sums."""

    def __init__(self) -> None:
        super().__init__()
        convs = [nn.Conv2d(3, 64, 3, padding=1)]
        convs += [nn.Conv2d(64, 64, 3, padding=1) for _ in range(32)]
        up = [nn.Conv2d(64, 256, 3, padding=1), nn.PixelShuffle(2)]
        up += [nn.Conv2d(64, 256, 3, padding=1), nn.PixelShuffle(2)]
        last = [nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 3, 3, padding=1)]
        self.layers = nn.Sequential(*convs, *up, *last)

    def forward(self, lr):
        return self.layers(lr)


def test_macs_and_activations_are_those_of_the_challenges():
    """NTIRE 2020: 1.517 M parameters, 166.36 G, 292.55 M activations from 256x256; 2024: 9.83 G."""
    network = MSRResNet()
    found = inspect(network, spec_of(network, 4), 4, size=(1024, 1024))
    assert found.lr == (256, 256)
    assert found.parameters == 1_517_571
    assert found.macs / 1e9 == pytest.approx(166.36, rel=0.002)
    assert found.activations / 1e6 == pytest.approx(292.55, abs=0.005)
    assert inspected("span-28", 4, (1024, 1024)).macs / 1e9 == pytest.approx(9.83, abs=0.005)


class Attending(nn.Module):
    """Each pixel a token of 3 values that looks at all others, in one head and then by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3, 3)

    def forward(self, lr):
        tokens = self.mix(lr.flatten(2).transpose(1, 2))
        tokens = F.scaled_dot_product_attention(tokens[:, None], tokens[:, None], tokens[:, None])
        tokens = (tokens[:, 0] @ tokens[:, 0].transpose(1, 2)).softmax(dim=2) @ tokens[:, 0]
        return tokens.transpose(1, 2).reshape(lr.shape)


def test_linear_layers_and_attention_count():
    network = Attending()
    found = inspect(network, spec_of(network, 1), 1, size=(5, 4))
    tokens = 5 * 4
    assert found.macs == tokens * 9 + 4 * tokens * tokens * 3
    assert found.activations == 0
    assert [(layer.name, layer.kind, layer.macs) for layer in found.layers] == [
        ("", "Attending", 4 * tokens * tokens * 3),
        ("mix", "Linear", tokens * 9),
    ]


class Choosing(nn.Module):
    """Looks at its input before it decides what to do."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = Attending()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, lr):
        return self.attend(lr) if lr.mean().item() > 1 else self.conv(lr)


def test_a_network_that_looks_at_values_is_computed_small():
    network = Choosing()
    found = inspect(network, spec_of(network, 1), 1)
    assert found.lr == found.sr == (64, 64)
    assert found.macs == 81 * 64 * 64
    assert found.memory >= 3 * 64 * 64 * 4
    assert "64x64" in found.notes[0]
    # The fused attention of the CPU counts like its parts.
    choosing = Choosing()
    choosing.conv = nn.Sequential(Attending())
    tokens = 64 * 64
    found = inspect(choosing, spec_of(choosing, 1), 1)
    assert found.macs == tokens * 9 + 4 * tokens * tokens * 3
    assert inspected("espcn", 2).notes == ()


def test_a_layer_counts_every_time_and_its_weights_once():
    found = inspected("drcn", 2)
    layers = {layer.name: layer for layer in found.layers}
    shared = layers["shared"]
    assert (shared.uses, shared.parameters, shared.kernel) == (16, 256 * 256 * 9 + 256, (3, 3))
    assert shared.macs == 16 * 256 * 256 * 9 * 1280 * 720
    assert shared.output == (256, 720, 1280)
    assert layers[""].parameters == 16  # the weights of the ensemble


@pytest.mark.parametrize("name", ["mslapsrn-d5r5", "wdsr-b", "rcan-light", "fsrcnn", "svlrm"])
def test_layers_add_up(name):
    spec = find(name)
    scale = min(spec.scales)
    found = inspected(name, scale)
    assert sum(layer.parameters for layer in found.layers) == spec.parameters[scale]
    assert sum(layer.macs for layer in found.layers) == found.macs
    assert sum(layer.activations for layer in found.layers) == found.activations
    assert found.frozen == 0


def test_a_frozen_bank_is_told_apart():
    """GLEAN 16 -> 256: the StyleGAN2 synthesis of 256x256 pictures is in it but does not learn."""
    found = inspected("glean-16-256", 16)
    bank = sum(layer.parameters for layer in found.layers if layer.name.startswith("bank"))
    assert found.parameters == 141_869_311
    assert found.frozen == bank > 20_000_000
    assert (found.lr, found.sr) == ((16, 16), (256, 256))
    assert found.receptive_field is None
    with pytest.raises(UsageError, match="256x256 only, not 1280x720"):
        inspected("glean-16-256", 16, (1280, 720))


@pytest.mark.parametrize(
    "name", ["bicubic", "fsrcnn", "vdsr", "lapsrn", "span-28", "wdsr-b", "svlrm"]
)
def test_memory_is_that_of_a_run(name):
    """Followed by shapes alone as it is counted while the network works."""
    spec = find(name)
    network = spec.build(2).eval()
    arguments = inputs(spec, 2, (24, 32))
    found = inspect(network, spec, 2, size=(64, 48))
    # Bicubic also makes its own weights, a few kilobytes, some of them not where the picture is.
    taken = peak_memory(network, arguments)
    assert found.memory == pytest.approx(taken, rel=0.05 if name == "bicubic" else 0)
    assert found.memory == inspected(name, 2, (64, 48)).memory


def test_memory_is_the_sum_by_hand():
    """VDSR: the enlarged picture, 64 features, those of the next layer, and what ReLU leaves."""
    pixels = 1280 * 720
    assert inspected("vdsr", 2).memory == (1 + 3 * 64) * pixels * 4
    # ESPCN: 64 features of LR pixels and two around them, and what its activation leaves of them.
    assert inspected("espcn", 2).memory == (64 + 64) * (640 + 4) * (360 + 4) * 4
    assert inspected("bicubic", 4).memory >= 3 * pixels * 4


def test_sizes_are_rounded_up_to_whole_lr_pixels():
    found = inspected("espcn", 3)
    assert (found.lr, found.sr) == ((427, 240), (1281, 720))
    assert inspected("espcn", 2, (5, 3)).lr == (3, 2)
    assert inspected("espcn", 4).receptive_field == 9


def test_nothing_is_allocated():
    """One layer of it would take 400 GB."""
    assert inspected("edsr", 2, (40_000, 40_000)).macs == pytest.approx(
        9385e9 * 1600 / 0.9216, 0.01
    )


def test_weights_are_left_alone_and_change_nothing():
    loaded_model = load_model("fsrcnn-x3", scale=None)
    before = {name: t.clone() for name, t in loaded_model.network.state_dict().items()}
    found = inspect(loaded_model.network, loaded_model.spec, 3)
    assert found == inspected("fsrcnn", 3)
    after = loaded_model.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert loaded_model.network(torch.rand(1, 1, 4, 4)).shape == (1, 1, 12, 12)


def test_a_subject_is_found_by_every_kind_of_name():
    assert (subject("espcn").spec.name, subject("espcn").scale) == ("espcn", 4)
    assert subject("espcn-x3").scale == 3
    assert subject("lapsrn", scale=8).scale == 8
    assert subject("dsdmsr").scale == 4
    assert subject("glean-16-256").scale == 16
    assert subject("drrn-b2u3").spec.name == "drrn-b2u3"
    assert subject("best", scale=2).scale == 2
    with pytest.raises(UnknownNameError, match="no scale 5"):
        subject("espcn", scale=5)
    with pytest.raises(UnknownNameError, match="Did you mean 'balanced'"):
        subject("balance")


@pytest.mark.parametrize("spec", ZOO, ids=lambda spec: spec.name)
def test_the_ledger_is_what_the_networks_cost(spec):
    """A network that is new or changed: `make ledger`."""
    entry = ledger.read().networks[spec.name]
    facts = (spec.name, spec.channels, spec.side, spec.paper, spec.scales)
    assert (entry.name, entry.channels, entry.side, entry.paper, tuple(entry.costs)) == facts
    for scale in spec.scales[-1:] if heavy(spec) else spec.scales:
        assert entry.costs[scale] == inspected(spec.name, scale).cost


def test_the_ledger_and_its_page_are_those_of_the_generator():
    """Every network in the order of the zoo, nothing else, and tables nobody wrote by hand."""
    found, script = ledger.read(), loaded("ledger")
    assert list(found.networks) == [spec.name for spec in ZOO]
    assert ledger.PATH.read_text(encoding="utf-8") == ledger.to_text(found)
    page = script.PAGE.read_text(encoding="utf-8")
    assert page == script.filled(page, found)
    readme = script.README.read_text(encoding="utf-8")
    assert readme == script.with_scores(readme, shipped_cards())


@pytest.mark.data
def test_the_scores_of_bicubic_in_the_readme_are_measured(data_root):
    script = loaded("ledger")
    names = {"Set5": "set5", "Set14": "set14", "B100": "bsd100"}
    sets = [names[name] for name in script.SHOWN]
    found = run_benchmark(["bicubic"], sets, scales=(2, 3, 4), metrics=["psnr"], root=data_root)
    measured = {(cell.data_set, cell.scale): cell.mean("psnr") for cell in found.cells}
    for scale, printed in script.BICUBIC.items():
        for name, value in zip(sets, printed, strict=True):
            assert measured[name, scale] == pytest.approx(value, abs=0.005)


def test_the_page_is_refused_without_its_tables():
    with pytest.raises(ValueError, match="0 tables called weights"):
        loaded("ledger").filled("# Networks\n", ledger.read())


def test_speed_is_measured_beside_bicubic(monkeypatch):
    script = loaded("model_speed")
    monkeypatch.setattr(script, "TURNS", 3)
    monkeypatch.setattr(script, "SIZE", (64, 48))
    fsrcnn, bicubic = script.speed("fsrcnn-x2"), script.speed("bicubic")
    assert fsrcnn.megapixels_per_second > 0
    assert fsrcnn.times_bicubic > 0.5
    assert 0.2 < bicubic.times_bicubic < 5
    assert re.match(r"\d+ threads?, .+, torch \d", script.machine())


def test_latency_is_told_with_its_size_and_machine(monkeypatch):
    """Of every network; more work takes longer, whatever the machine was doing."""
    found = ledger.read()
    assert set(found.latencies) == {f"{s.name}-x{scale}" for s in ZOO for scale in s.scales}
    assert found.latencies["fsrcnn-x2"] < found.latencies["vdsr-x2"] < found.latencies["drcn-x2"]
    assert found.latency("rcan", 2).size == (256, 256)
    assert found.latency("rcan", 3).size == (258, 258)
    assert found.latency("glean-64-1024", 16).size == (1024, 1024)
    assert found.latency("rcan", 2).machine.startswith("1 thread, ")
    assert found.latency("rcan", 5) is None
    script = loaded("model_speed")
    monkeypatch.setattr(script, "LATENCY_SIDE", 32)
    assert 0 < script.latency(find("espcn"), 2) < script.latency(find("vdsr"), 2)
    assert script.latency(find("svlrm"), 4) > 0
