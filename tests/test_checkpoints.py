"""Our weight files come back as they were, and names find the right one."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

import superfine
from superfine import card as card_module
from superfine.card import Card, read_card, shipped_cards
from superfine.checkpoints import load, load_matching, load_model, save
from superfine.errors import ModelFileError, OutputError, UnknownNameError
from superfine.models import ZOO, ModelSpec, find, parameter_count
from tests.zoo import has_lighter_sibling, heavy, inputs, scales_to_run

EVERY_NETWORK = [
    pytest.param(spec, scale, id=f"{spec.name}-x{scale}")
    for spec in ZOO
    if not has_lighter_sibling(spec)
    for scale in (scales_to_run(spec) if spec.side is None and heavy(spec) else spec.scales)
]
FULL_CARD = Card(
    architecture="espcn",
    scale=3,
    channels="y",
    training_data=("T91 (91 pictures)", "General-100 <b>"),
    training="200 steps",
    protocol="y-matlab",
    scores={"Set5": {"psnr": 33.1, "ssim": 0.91}},
    licence="Apache-2.0",
    recipe="network: espcn\nscale: 3\n",
    terms={"T91": "not stated"},
    apart_from=("Set5", "Set14"),
    history=((100, 32.5), (200, 33.1)),
    limits="Not for noise.",
)


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """`network` with every value its own, biases and slopes included."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            # The deepest networks would answer infinity if a layer made its input larger.
            fan_in = tensor[0].numel() if tensor.ndim > 1 else 1
            tensor.copy_(torch.randn(tensor.shape, generator=generator) / max(10, fan_in**0.5))
    return network


def sample(spec: ModelSpec) -> Tensor:
    """A small LR picture of the channels `spec` takes."""
    channels = 3 if spec.channels == "rgb" else 1
    return torch.rand(1, channels, 5, 6, generator=torch.Generator().manual_seed(1))


def written(folder: Path, name: str, scale: int, *, seed: int = 0) -> Path:
    """A file of random weights."""
    spec = find(name)
    path = folder / f"{name}-x{scale}.safetensors"
    save(randomised(spec.build(scale), seed), Card(name, scale, spec.channels), path)
    return path


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder that stands for the shipped weights."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(card_module, "SHIPPED", folder)
    for scale in (2, 3):
        written(folder, "espcn", scale)
    written(folder, "fsrcnn-small", 2)
    written(folder, "srcnn-915", 3)
    return folder


@pytest.mark.parametrize(("spec", "scale"), EVERY_NETWORK)
def test_saved_network_loads_back_identical(spec, scale, tmp_path):
    network = randomised(spec.build(scale))
    path = tmp_path / "net.safetensors"
    save(network, Card(spec.name, scale, spec.channels), path)
    model = load(path)
    assert (model.spec, model.scale) == (spec, scale)
    assert parameter_count(network) == spec.parameters[scale]
    arguments = inputs(spec, scale, (5, 6) if spec.side is None else (spec.side, spec.side))
    assert torch.equal(model.network(*arguments), network.eval()(*arguments))
    assert not model.network.training
    assert not any(p.requires_grad for p in model.network.parameters())


def test_card_comes_back_with_what_saving_fills_in(tmp_path):
    path = tmp_path / "net.safetensors"
    save(find("espcn").build(3), FULL_CARD, path)
    card = read_card(path)
    filled = replace(
        FULL_CARD,
        hyper_parameters={"channels": 1},
        code_version=superfine.__version__,
        sha256=card.sha256,
    )
    assert card == load(path).card == filled


def test_a_card_from_before_has_what_came_later_empty(tmp_path):
    path = written(tmp_path, "espcn", 2)
    tensors = from_safetensors(path.read_bytes())
    values = json.loads(read_card(path).to_metadata()["superfine"])
    for name in ("recipe", "terms", "apart_from", "history", "limits"):
        del values[name]
    path.write_bytes(to_safetensors(tensors, metadata={"superfine": json.dumps(values)}))
    card = load(path).card
    assert (card.recipe, card.terms, card.apart_from, card.history) == ("", {}, (), ())
    del values["training"]
    path.write_bytes(to_safetensors(tensors, metadata={"superfine": json.dumps(values)}))
    with pytest.raises(ModelFileError, match=r"missing or unknown: .*training"):
        read_card(path)


def test_half_the_bytes_give_the_rounded_weights(tmp_path):
    network = randomised(find("fsrcnn").build(2))
    card = Card("fsrcnn", 2, "y")
    save(network, card, tmp_path / "whole")
    save(network, card, tmp_path / "half", half=True)
    whole, half = ((tmp_path / name).stat().st_size for name in ("whole", "half"))
    assert whole - half == 2 * 12_809
    loaded = load(tmp_path / "half").network.state_dict()
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded[name], tensor.half().float())
    assert read_card(tmp_path / "half").sha256 != read_card(tmp_path / "whole").sha256


def test_weights_too_large_for_half_are_refused(tmp_path):
    network = find("fsrcnn").build(2)
    network.enlarge.bias.data[0] = 1e5
    with pytest.raises(ModelFileError, match=r"infinite: enlarge\.bias"):
        save(network, Card("fsrcnn", 2, "y"), tmp_path / "net", half=True)
    assert list(tmp_path.iterdir()) == []


def test_sha256_is_of_names_types_shapes_and_values(tmp_path):
    path = written(tmp_path, "espcn", 2)
    digest = hashlib.sha256()
    for name, tensor in sorted(from_safetensors(path.read_bytes()).items()):
        digest.update(json.dumps([name, "torch.float32", list(tensor.shape)]).encode() + b"\n")
        digest.update(tensor.numpy().tobytes())
    assert read_card(path).sha256 == digest.hexdigest()


def test_same_weights_give_the_same_bytes_in_any_memory_layout(tmp_path):
    network = randomised(find("fsrcnn").build(2))
    card = Card("fsrcnn", 2, "y")
    save(network, card, tmp_path / "a")
    save(network.to(memory_format=torch.channels_last), card, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_saving_does_not_replace_a_file_unless_asked(tmp_path):
    path = written(tmp_path, "espcn", 2)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="E_EXISTS"):
        save(find("espcn").build(2), Card("espcn", 2, "y"), path)
    assert path.read_bytes() == before
    save(find("espcn").build(2), Card("espcn", 2, "y"), path, overwrite=True)
    assert path.read_bytes() != before


def test_saving_refuses_what_could_not_be_loaded(tmp_path):
    network = find("espcn").build(2)
    with pytest.raises(ModelFileError, match=r"sub_pixel\.weight is 4x32x3x3 instead of 9x32x3x3"):
        save(network, Card("espcn", 3, "y"), tmp_path / "net")
    with pytest.raises(ModelFileError, match="no scale 9"):
        save(network, Card("espcn", 9, "y"), tmp_path / "net")
    with pytest.raises(ModelFileError, match="float64"):
        save(find("espcn").build(2).double(), Card("espcn", 2, "y"), tmp_path / "net")
    network.first.bias.data[0] = torch.inf
    with pytest.raises(ModelFileError, match=r"infinite: first\.bias"):
        save(network, Card("espcn", 2, "y"), tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


def test_loading_draws_no_random_number(tmp_path):
    path = written(tmp_path, "fsrcnn", 2)
    before = torch.get_rng_state()
    load(path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("asked", "taken"), [(None, 3), (1.5, 2), (2, 2), (2.0, 2), (2.5, 3), (3, 3), (8, 3)]
)
def test_name_takes_the_scale_or_the_next_above_or_the_largest(asked, taken, shipped):
    assert load_model("espcn", scale=asked).scale == taken


def test_name_with_a_scale_means_exactly_that_file(shipped):
    assert load_model("espcn-x2", scale=3).scale == 2
    with pytest.raises(UnknownNameError, match="espcn-x4") as caught:
        load_model("espcn-x4", scale=4)
    assert "espcn-x2, espcn-x3, fsrcnn-small-x2, srcnn-915-x3" in caught.value.hint


def test_network_without_shipped_weights_says_what_is_shipped(shipped):
    with pytest.raises(UnknownNameError, match="No weights of vdsr are shipped") as caught:
        load_model("vdsr", scale=2)
    assert "espcn-x2" in caught.value.hint


def test_unknown_name_suggests_the_nearest(shipped):
    with pytest.raises(UnknownNameError, match="Did you mean 'espcn'"):
        load_model("epscn", scale=2)


@pytest.mark.parametrize(("asked", "taken"), [(None, 4), (2, 2), (5, 6), (50, 8)])
def test_bicubic_needs_no_file(asked, taken):
    model = load_model("bicubic", scale=asked)
    assert (model.scale, model.card.scale, model.spec.name) == (taken, taken, "bicubic")
    assert load_model("bicubic-x3", scale=asked).scale == 3


@pytest.mark.parametrize(("asked", "taken"), [(None, 3), (1, 1), (2, 2), (3.5, 4), (9, 4)])
def test_network_that_enlarges_first_serves_any_scale(asked, taken, shipped):
    model = load_model("srcnn-915", scale=asked)
    assert model.scale == taken
    assert model.network(sample(model.spec)).shape[-1] == 6 * taken
    assert model.card.scale == 3


def test_path_is_a_folder_a_suffix_or_a_file(tmp_path, monkeypatch, shipped):
    path = written(tmp_path, "espcn", 2)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_bytes(path.read_bytes())
    (tmp_path / "espcn").write_bytes(b"not weights: the name of a network wins")
    for model in (path, str(path), "espcn-x2.safetensors", "./mine", "mine"):
        assert load_model(model, scale=4).scale == 2
    assert load_model("espcn", scale=3).scale == 3
    with pytest.raises(ModelFileError, match=r"nothing\.pth is not a file"):
        load_model("nothing.pth", scale=2)


def test_shipped_cards_are_sorted_and_complete(shipped):
    found = [(path.name, card.architecture, card.scale) for path, card in shipped_cards()]
    assert found == [
        ("espcn-x2.safetensors", "espcn", 2),
        ("espcn-x3.safetensors", "espcn", 3),
        ("fsrcnn-small-x2.safetensors", "fsrcnn-small", 2),
        ("srcnn-915-x3.safetensors", "srcnn-915", 3),
    ]


def test_cards_are_read_without_torch():
    code = (
        "import sys; from superfine.card import shipped_cards; shipped_cards(); "
        "sys.exit(bool({'torch', 'numpy', 'safetensors'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_matching_tensors_start_a_network_of_another_scale(tmp_path):
    path = written(tmp_path, "espcn", 2, seed=1)
    network = randomised(find("espcn").build(3), seed=2)
    own = network.sub_pixel.weight.clone()
    names = load_matching(network, path)
    assert names == ("first.weight", "first.bias", "second.weight", "second.bias")
    source = load(path).network
    assert torch.equal(network.first.weight, source.first.weight)
    assert torch.equal(network.sub_pixel.weight, own)
    assert network.first.weight.requires_grad


def test_nothing_matching_is_an_error(tmp_path):
    path = written(tmp_path, "espcn", 2)
    with pytest.raises(ModelFileError, match="No tensor of"):
        load_matching(find("vdsr-nobias").build(2), path)
    foreign = tmp_path / "net.pth"
    torch.save(find("espcn").build(2).state_dict(), foreign)
    with pytest.raises(ModelFileError, match="no card of ours"):
        load_matching(find("espcn").build(2), foreign)
