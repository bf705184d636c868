"""What spandrel knows runs through our reader, our tiler and our commands as spandrel runs it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from safetensors.torch import save as to_safetensors

from superfine import community, foreign, tiling
from superfine.checkpoints import Card, LoadedModel, load, load_model
from superfine.cli import main
from superfine.community import bridge
from superfine.errors import ModelFileError
from superfine.inference import upscale, upscale_image
from superfine.own_file import decode, encode
from superfine.types import Image
from tests.community_zoo import SMALL, built, by_spandrel, small
from tests.test_foreign import as_legacy_pth, as_npz, as_pth

WHOLE = 10**6


def found_in(state, *, wrapped="params_ema") -> community.Found:
    found = community.find(foreign.read(as_pth({wrapped: state} if wrapped else state)))
    assert found is not None
    return found


def loaded(network) -> LoadedModel:
    found = found_in(network.state_dict())
    card = Card(found.spec.name, found.scale, found.spec.channels)
    return LoadedModel(found.network, found.spec, found.scale, card)


def saved(state, path: Path) -> Path:
    torch.save({"params_ema": state}, path)
    return path


def noise(height, width, channels=3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(height * width)
    return torch.rand(channels, height, width, generator=generator)


@pytest.mark.slow
@pytest.mark.parametrize("id_", [s.id for s in SMALL])
def test_a_file_gives_what_spandrel_gives(id_):
    state = small(id_).state_dict()
    found = found_in(state)
    network, scale = found.network, found.scale
    assert found.spec.name == f"community:{id_}"
    assert found.spec.scales == (scale,)
    assert not any(p.requires_grad for p in network.parameters())
    for height, width in ((1, 1), (13, 22)):
        lr = noise(height, width, 1 if network.grey else 3)[None]
        luma = (lr * 219 + 16) / 255 if network.grey else lr
        before = luma.clone()
        sr = network(luma)
        assert torch.equal(luma, before)
        expected = by_spandrel(state, lr)
        expected = (expected * 219 + 16) / 255 if network.grey else expected
        assert sr.shape == (1, lr.shape[1], height * scale, width * scale)
        assert (sr - expected).abs().max() <= 1e-5


def test_most_of_what_spandrel_knows_is_tested():
    known = {architecture.architecture.id for architecture in bridge.architectures()}
    assert {s.id for s in SMALL} <= known
    for_faces_or_holes = {"GFPGAN", "RestoreFormer", "LaMa"}
    large_at_any_setting = {"AuraSR", "FBCNN", "GRL"}
    assert known - {s.id for s in SMALL} == for_faces_or_holes | large_at_any_setting


def test_a_batch_is_its_pictures_one_by_one():
    network = found_in(small("SwinIR").state_dict()).network
    batch = torch.rand(2, 3, 9, 12)
    singles = torch.cat([network(one[None]) for one in batch])
    assert torch.equal(network(batch), singles)


CONTAINERS = [as_pth, as_legacy_pth, as_npz, to_safetensors]


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: c.__name__)
def test_whole_numbers_are_read_as_they_are(container):
    state = small("Swin2SR").state_dict()
    whole = {name: t for name, t in state.items() if not t.is_floating_point()}
    assert whole
    stored = foreign.read(container(state))
    assert set(stored.whole) == set(whole)
    for name, tensor in whole.items():
        read = stored.whole[name].read()
        assert read.dtype == tensor.dtype
        assert torch.equal(read, tensor)
    assert stored.size >= sum(t.nbytes for t in state.values())
    assert community.find(stored) is not None


def test_a_word_that_belongs_to_the_architecture_is_not_lost():
    """Of the first ESRGAN and of DnCNN every name begins with `model.`, which elsewhere wraps."""
    state = small("DnCNN").state_dict()
    assert all(name.startswith("model.") for name in state)
    for prefix in ("", "module.", "module.netG."):
        wrapped = {prefix + name: tensor for name, tensor in state.items()}
        assert found_in(wrapped, wrapped="").spec.name == "community:DnCNN"


def test_half_precision_weights_become_float32():
    state = {name: tensor.half() for name, tensor in small("Compact").state_dict().items()}
    found = found_in(state)
    assert all(p.dtype == torch.float32 for p in found.network.parameters())


def test_what_was_found_is_said():
    found = found_in(small("SwinIR").state_dict())
    first, second, third = found.findings
    assert re.fullmatch(r"spandrel [\d.]+ recognises SwinIR \(.+\)\.", first)
    assert "Scale 2" in second
    assert "RGB on [0, 1]" in third


def test_grey_networks_get_plain_grey():
    """A grey picture comes out as if the network had been asked directly."""
    network = small("DnCNN")
    image = Image(noise(17, 21, 1))
    result = upscale_image(image, loaded(network))
    assert result.grey
    expected = by_spandrel(network.state_dict(), image.pixels[None])[0]
    assert (result.pixels - expected).abs().max() <= 2e-6


def test_a_colour_network_of_scale_one_cleans_a_picture(tmp_path):
    state = small("DnCNN", in_nc=3, out_nc=3).state_dict()
    model = found_in(state)
    assert (model.scale, model.spec.channels) == (1, "rgb")
    result = upscale(noise(20, 30), model=saved(state, tmp_path / "net.pth"), scale=1)
    assert (result - by_spandrel(state, noise(20, 30)[None])[0]).abs().max() <= 1e-6


def test_a_network_that_gathers_cells_enlarges_twice():
    """Real-ESRGAN x2: pixels are gathered to 2x2 cells, then enlarged four times."""
    network = built(
        "ESRGAN", "ESRGAN", in_nc=12, out_nc=3, num_filters=8, num_blocks=1, shuffle_factor=2
    )
    model = loaded(network)
    assert (model.scale, model.network.cell) == (2, 4)
    reach = model.spec.reach[2]
    assert 0 < reach <= 64
    _tiles_are_the_whole(model, tile=reach + 3)


def _tiles_are_the_whole(model, *, tile):
    reach = model.spec.reach[model.scale]
    side = tile + reach + 2 * model.network.cell + 5
    for height, width in ((side, 11), (9, side)):
        image = Image(noise(height, width))
        whole = upscale_image(image, model, tile=WHOLE)
        tiled = upscale_image(image, model, tile=tile)
        assert (tiled.pixels - whole.pixels).abs().max() <= 1e-5
        assert tiled.notes == ()


@pytest.mark.parametrize(
    ("id_", "reach"),
    [("Compact", 4), ("DITN", None), ("SAFMN", None), ("SwinIR", None), ("SwiftSRGAN", None)],
)
def test_tiles_with_the_measured_reach_are_the_whole(id_, reach):
    """Two convolutions and two more see four pixels; for the others only the outcome counts."""
    model = loaded(small(id_))
    measured = model.spec.reach[model.scale]
    assert measured is not None
    assert reach in (None, measured)
    _tiles_are_the_whole(model, tile=16)


@pytest.mark.parametrize("id_", ["HAT", "RCAN", "NAFNet", "ATD", "HVICIDNet"])
def test_networks_that_see_everything_are_found_out(id_):
    model = loaded(small(id_))
    assert model.spec.reach[model.scale] is None


def test_a_network_that_sees_far_counts_as_seeing_everything():
    assert loaded(small("ESRGAN", num_blocks=5)).spec.reach[4] is None


def test_tiles_of_a_network_that_sees_everything_come_close_and_say_so():
    model = loaded(small("RCAN", n_resgroups=1))
    image = Image(noise(40, 230))
    whole = upscale_image(image, model, tile=WHOLE)
    tiled = upscale_image(image, model, tile=64)
    assert 0 < (tiled.pixels - whole.pixels).abs().max() <= 0.02
    (note,) = tiled.notes
    assert "community:RCAN" in note
    assert "not equal" in note
    assert whole.notes == ()


def test_the_tile_is_smaller_for_hungrier_networks(monkeypatch):
    """Attention is seen in the estimate, though none of it is a module."""
    monkeypatch.setattr(tiling, "_TILE_BYTES", 1 << 22)
    monkeypatch.setattr(tiling, "_LARGE_TILE_BYTES", 1 << 22)
    image = Image(noise(64, 400))
    light = upscale_image(image, loaded(small("Compact", upscale=2)))
    hungry = upscale_image(image, loaded(small("HAT")))
    assert light.notes == ()
    assert "tiles of" in hungry.notes[0]


def test_our_own_file_holds_a_network_of_the_community(tmp_path):
    found = found_in(small("Swin2SR").state_dict())
    card = Card(found.spec.name, 2, "rgb", licence="Apache-2.0")
    data = encode(found.network, card)
    assert encode(found.network, card) == data
    own = decode(data)
    assert own.card.architecture == "community:Swin2SR"
    lr = noise(12, 9)[None]
    assert torch.equal(own.network(lr), found.network(lr))
    path = tmp_path / "mine.safetensors"
    path.write_bytes(data)
    model = load(path)
    assert (model.spec.name, model.scale) == ("community:Swin2SR", 2)
    assert torch.equal(model.network(lr), found.network(lr))
    changed = bytearray(data)
    changed[-1] ^= 1
    with pytest.raises(ModelFileError, match="sha256"):
        decode(bytes(changed))
    with pytest.raises(ModelFileError, match="names community:HAT x2"):
        encode(found.network, Card("community:HAT", 2, "rgb"))


def test_without_spandrel_the_extra_is_named(monkeypatch, tmp_path):
    found = found_in(small("Compact").state_dict())
    data = encode(found.network, Card(found.spec.name, found.scale, "rgb"))
    stored = foreign.read(as_pth(small_state("Compact")))
    monkeypatch.setattr(bridge, "architectures", tuple)
    with pytest.raises(ModelFileError, match="which spandrel builds") as caught:
        decode(data)
    assert "superfine[community]" in caught.value.hint
    assert community.find(stored) is None


def small_state(id_, **settings):
    return dict(small(id_, **settings).state_dict())


def refused(state) -> str:
    with pytest.raises(ModelFileError) as caught:
        found_in(state)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_tensors_that_do_not_fit_name_the_candidates():
    state = small_state("SwinIR")
    del state["layers.0.residual_group.blocks.1.mlp.fc1.bias"]
    message = refused(state)
    assert "looks like" in message
    assert "SwinIR" in message
    assert "mlp.fc1.bias" in message


def test_networks_for_something_else_are_refused():
    faces = built(
        "RestoreFormer", "RestoreFormer", n_embed=8, embed_dim=32, ch=32, ch_mult=(1,) * 6,
        num_res_blocks=1, z_channels=32,
    )  # fmt: skip
    assert "made for faces" in refused(faces.state_dict())
    assert "4 channels to 4" in refused(small_state("Compact", num_in_ch=4, num_out_ch=4))


def test_positions_that_point_outside_are_refused_when_read():
    state = small_state("SwinIR")
    name = "layers.0.residual_group.blocks.0.attn.relative_position_index"
    state[name] = state[name] + 10**6
    assert "does not run" in refused(state)


def test_a_small_file_does_not_get_a_large_network():
    """A first layer of a megabyte asks for a second of gigabytes."""
    state = small_state("Compact")
    state["body.0.weight"] = torch.zeros(10_000, 3, 3, 3)
    assert "MemoryError" in refused(state)


def test_layers_that_are_not_there_are_refused():
    state = small_state("SwinIR")
    state["layers.123456789.x"] = torch.zeros(1)
    assert "layer too many" in refused(state)
    state = small_state("SwinIR")
    state["layers.0.more"] = torch.zeros(10**6, 0)
    assert "holds nothing" in refused(state)


def test_one_storage_is_not_described_over_and_over():
    state = small_state("Compact")
    shared = torch.zeros(10**4)
    state |= {f"body.{i}.more": shared for i in range(9)}
    assert "but holds" in refused(state)


def test_loading_leaves_the_random_numbers_alone():
    state = small_state("DAT")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    found_in(state)
    assert torch.equal(torch.rand(1), expected)


def test_torchvision_is_let_in_only_where_its_operators_cannot_load(monkeypatch, tmp_path):
    library = tmp_path / "_C.so"
    library.write_bytes(b"")
    declared: list[str] = []
    monkeypatch.setattr(bridge, "find_spec", lambda _name: type("Spec", (), {"origin": library}))
    monkeypatch.setattr(torch.ops, "torchvision", object())
    monkeypatch.setattr(torch.library, "define", lambda name, _schema: declared.append(name))
    monkeypatch.setattr(torch.ops, "load_library", lambda _path: None)
    bridge.let_torchvision_in()
    assert declared == []

    def cannot(_path):
        raise OSError("libcudart.so is missing")

    monkeypatch.setattr(torch.ops, "load_library", cannot)
    bridge.let_torchvision_in()
    assert declared == ["torchvision::nms", "torchvision::qnms"]


def test_the_command_enlarges_by_a_network_of_the_community(tmp_path, capfd):
    path = saved(small_state("SwinIR"), tmp_path / "my_swin.pth")
    pixels = np.random.default_rng(0).integers(0, 256, (21, 34, 3), dtype=np.uint8)
    photo = tmp_path / "photo.png"
    PillowImage.fromarray(pixels).save(photo)
    assert main(["upscale", str(photo), "-m", str(path), "--json"]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    output = Path(next(line["output"] for line in lines if "output" in line))
    assert output.name == "photo.x2.my_swin.png"
    result = torch.from_numpy(np.array(PillowImage.open(output))).permute(2, 0, 1) / 255
    lr = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    expected = by_spandrel(small_state("SwinIR"), lr)[0]
    assert (result - expected).abs().max() <= 0.51 / 255
    assert load_model(path, scale=None).spec.name == "community:SwinIR"


def test_the_command_converts_one(tmp_path, capfd):
    path = saved(small_state("OmniSR"), tmp_path / "net.pth")
    assert main(["models", "convert", str(path)]) == 0
    converted = Path(capfd.readouterr().out.strip())
    assert load(converted).spec.name == "community:OmniSR"
    assert main(["models", "info", str(converted)]) == 0
    assert "community:OmniSR" in capfd.readouterr().out


@pytest.mark.data
def test_the_stated_bound_of_tiles_holds_on_a_photo(data_root):
    """IMDN sees the whole picture by its contrast; docs/community.md states 1.5 levels here."""
    model = load(data_root / "weights" / "imdn" / "IMDN_x4.pth")
    with PillowImage.open(data_root / "testsets" / "RealSRSet" / "building.png") as photo:
        pixels = torch.from_numpy(np.array(photo.convert("RGB"))).permute(2, 0, 1)
    image = Image(pixels[:, :140, :190].contiguous())
    whole = upscale_image(image, model, tile=WHOLE).pixels.int()
    tiled = upscale_image(image, model, tile=64).pixels.int()
    assert (whole - tiled).abs().max() <= 4
    assert (whole - tiled).abs().float().mean() <= 0.1
