"""Other people's files come back as the same network, under whatever names they keep it."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from superfine import foreign
from superfine.benchmark.measure import mean_score, measure
from superfine.benchmark.protocol import find_protocol
from superfine.checkpoints import load
from superfine.data.folders import read_uint8
from superfine.errors import ModelFileError
from superfine.models import ZOO, find
from superfine.ops.resize import imresize
from tests.test_checkpoints import randomised, sample
from tests.zoo import has_lighter_sibling, heavy, inputs

State = dict[str, Tensor]
WITH_WEIGHTS = [
    spec
    for spec in ZOO
    if spec.name != "bicubic" and spec.side is None and not has_lighter_sibling(spec)
]


def as_pth(state: State) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def as_legacy_pth(state: State) -> bytes:
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def as_npz(state: State) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{name: tensor.numpy() for name, tensor in state.items()})
    return file.getvalue()


def as_sorted_pth(state: State) -> bytes:
    return as_pth({name: state[name] for name in sorted(state)})


CONTAINERS = [as_pth, as_legacy_pth, as_npz, as_sorted_pth, to_safetensors]

# Names of layers in public ports, for ours in order; facts of their files, not their code.
PORTS: dict[str, list[list[str]]] = {
    "srcnn": [["conv1", "conv2", "conv3"], ["features.0", "map.0", "reconstruction"]],
    "espcn": [
        ["conv1", "conv2", "conv3"],
        ["first_part.0", "first_part.2", "last_part.0"],
        ["feature_maps.0", "feature_maps.2", "sub_pixel.0"],
    ],
    "fsrcnn": [
        [
            "first_part.0",
            "first_part.1",
            *(f"mid_part.{i}" for i in range(12)),
            "last_part",
        ],
        [
            "feature_extraction.0",
            "feature_extraction.1",
            "shrink.0",
            "shrink.1",
            *(f"map.{i}" for i in range(8)),
            "expand.0",
            "expand.1",
            "deconv",
        ],
    ],
    "fsrcnn-small": [
        ["first_part.0", "first_part.1", *(f"mid_part.{i}" for i in range(6)), "last_part"]
    ],
    "vdsr": [
        ["input", *(f"residual_layer.{i}.conv" for i in range(18)), "output"],
        ["conv1.0", *(f"trunk.{i}.conv.0" for i in range(18)), "conv2"],
        [f"layers.{2 * i}" for i in range(20)],
        [f"conv{i}" for i in range(1, 21)],
    ],
    "vdsr-22": [["input", *(f"residual_layer.{i}.conv" for i in range(20)), "output"]],
    "lapsrn": [
        [
            "conv_input",
            *(f"convt_F1.0.cov_block.{2 * i}" for i in range(11)),
            "convt_R1",
            "convt_I1",
        ]
    ],
    "svlrm": [["first_layer", *(f"feature_block.{2 * i}" for i in range(10)), "final_layer"]],
}


def renamed(state: State, names: list[str]) -> State:
    """`state` with the names of its layers replaced, in order."""
    layers = dict.fromkeys(key.rpartition(".")[0] for key in state)
    new = dict(zip(layers, names, strict=True))
    return {
        f"{new[layer]}.{role}": tensor
        for key, tensor in state.items()
        for layer, _, role in [key.rpartition(".")]
    }


def ports_of(name: str) -> list[list[str]]:
    family = re.sub(r"^(srcnn|espcn|vdsr)(-\d{3})?(-rgb|-nobias)?$", r"\1", name)
    return PORTS.get(family, [])


def with_small_biases(network: nn.Module) -> nn.Module:
    """`network` as trained ones are: it would not do with any other range of values as well."""
    for name, tensor in network.state_dict().items():
        if name.endswith("bias"):
            tensor.mul_(0.01)
    return network


@pytest.mark.parametrize(
    ("spec", "container"),
    [
        pytest.param(spec, container, id=f"{spec.name}-{container.__name__}")
        for spec in WITH_WEIGHTS
        for container in (CONTAINERS[:1] if heavy(spec) else CONTAINERS)
    ],
)
def test_port_loads_as_the_same_network(spec, container, tmp_path):
    scale = 3 if 3 in spec.scales else spec.scales[0]
    network = with_small_biases(randomised(spec.build(scale)).eval())
    state, arguments = dict(network.state_dict()), inputs(spec, scale, (5, 6))
    path = tmp_path / f"{spec.name}_x{scale}.bin"
    for names in [[], *ports_of(spec.name)]:
        theirs = renamed(state, names) if names else state
        path.write_bytes(container({f"module.{k}": t for k, t in theirs.items()}))
        model = load(path, scale=scale)
        assert (model.spec, model.scale) == (spec, scale)
        assert torch.equal(model.network(*arguments), network(*arguments))


def test_another_espcn_saw_zeros_beyond_the_edges(tmp_path):
    """Ours mirrors: within its reach of the edges results differ, elsewhere they do not."""
    network = with_small_biases(randomised(find("espcn").build(3)).eval())
    state = dict(network.state_dict())
    path = tmp_path / "net.pth"
    path.write_bytes(as_pth(renamed(state, PORTS["espcn"][1])))
    model, lr = load(path), torch.rand(1, 1, 12, 13)
    with torch.no_grad():
        x = F.conv2d(lr, state["first.weight"], state["first.bias"], padding=2).tanh()
        x = F.conv2d(x, state["second.weight"], state["second.bias"], padding=1).tanh()
        x = F.conv2d(x, state["sub_pixel.weight"], state["sub_pixel.bias"], padding=1)
        apart = (F.pixel_shuffle(x, 3) - model.network(lr)).abs()
    assert apart[..., 12:-12, 12:-12].max() < 1e-6
    assert apart.max() > 1e-3
    assert any("Near the edges" in finding for finding in model.findings)
    path.write_bytes(as_pth(state))
    assert not any("Near the edges" in finding for finding in load(path).findings)


def in_one_storage(state: State) -> State:
    """Every tensor a view of one storage, as flattened parameters are saved."""
    flat = torch.cat([tensor.flatten() for tensor in state.values()])
    parts = flat.split([tensor.numel() for tensor in state.values()])
    return {name: part.view(state[name].shape) for name, part in zip(state, parts, strict=True)}


def channels_last(state: State) -> State:
    return {
        name: tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
        for name, tensor in state.items()
    }


WRAPPINGS: dict[str, Callable[[State], object]] = {
    "averaged": lambda s: {"params": {k: t * 0 for k, t in s.items()}, "params_ema": s},
    "training": lambda s: {"epoch": 7, "state_dict": s, "optimizer": {"state": {0: s}}},
    "gan": lambda s: {"generator": {f"module.{k}": t for k, t in s.items()}, "discriminator": s},
    "nested": lambda s: {"model": {"net": {f"net.module.{k}": t for k, t in s.items()}}},
    "own word": lambda s: {"espcn": s, "best": np.float64(33.1), "epoch": 3},
    "counter": lambda s: s | {"bn.num_batches_tracked": torch.tensor(5)},
    "parameters": lambda s: {k: torch.nn.Parameter(t) for k, t in s.items()},
    "float64": lambda s: {k: t.double() for k, t in s.items()},
    "one storage": in_one_storage,
    "channels last": channels_last,
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("legacy", [False, True])
def test_wrapped_weights_are_found(wrap, legacy, tmp_path):
    spec = find("espcn")
    network = randomised(spec.build(2)).eval()
    path = tmp_path / "net.pth"
    path.write_bytes((as_legacy_pth if legacy else as_pth)(wrap(dict(network.state_dict()))))
    assert torch.equal(load(path).network(sample(spec)), network(sample(spec)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(dtype, tmp_path):
    network = randomised(find("espcn").build(2)).to(dtype)
    path = tmp_path / "net.pth"
    torch.save(network.state_dict(), path)
    loaded = load(path).network
    assert torch.equal(loaded.first.weight, network.first.weight.float())


@pytest.mark.parametrize("legacy", [False, True])
def test_our_reader_agrees_with_torch(legacy, tmp_path):
    """torch.load is the oracle: views, offsets, strides and shared storages."""
    base = torch.randn(60, generator=torch.Generator().manual_seed(0))
    state = {
        "a": base.view(6, 10)[1:4, ::3],
        "b": base[7:],
        "c": base.view(3, 4, 5).permute(2, 0, 1),
        "d": base.double(),
        "e": torch.randn(()),
    }
    path = tmp_path / "net.pth"
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    expected = torch.load(path, weights_only=True)
    stored = foreign.read(path.read_bytes()).tensors
    assert list(stored) == list(expected)
    for name, tensor in expected.items():
        assert stored[name].shape == tuple(tensor.shape)
        assert torch.equal(stored[name].read(), tensor.float())


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "imdn/IMDN_x2.pth",
        "srfbn/SRFBN-S_x2_BI.pth",
        "depth_fdkn/FDKN_8x",
    ],
)
def test_public_files_are_read_as_torch_reads_them(name, data_root):
    path = data_root / "weights" / name
    expected = torch.load(path, weights_only=True, map_location="cpu")
    stored = foreign.read(path.read_bytes()).tensors
    floats = {n.removeprefix("module."): t for n, t in expected.items() if t.is_floating_point()}
    assert list(stored) == list(floats)
    assert all(torch.equal(stored[n].read(), t.float()) for n, t in floats.items())


@pytest.mark.data
def test_public_file_of_another_network_is_refused(data_root):
    with pytest.raises(ModelFileError, match="fit no network") as caught:
        load(data_root / "weights" / "depth_fdkn" / "FDKN_8x")
    assert "fsrcnn" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "name"),
    [("DRRN_B1U9", "drrn-b1u9"), ("my_drrn_x2", "drrn"), ("DRRN_B1U7", "drrn-b1u7")],
)
def test_file_name_tells_variants_of_equal_shapes_apart(file, name, tmp_path):
    path = tmp_path / f"{file}.pth"
    torch.save(find("drrn").build(2).state_dict(), path)
    assert load(path).spec.name == name


def test_variants_of_equal_shapes_are_asked_for(tmp_path):
    torch.save(find("drrn").build(2).state_dict(), tmp_path / "net.pth")
    with pytest.raises(ModelFileError, match="several networks: drrn, drrn-b1u9") as caught:
        load(tmp_path / "net.pth")
    assert "file name" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "asked", "taken"),
    [
        ("SVLRM_X8.pth", 4, 8),
        ("svlrm-16x.pth", None, 16),
    ],
)
def test_scale_in_capitals_or_of_two_digits_is_read(file, asked, taken, tmp_path):
    torch.save(find("svlrm").build(4).state_dict(), tmp_path / file)
    assert load(tmp_path / file, scale=asked).scale == taken


@pytest.mark.parametrize(
    ("file", "asked", "taken"),
    [
        ("net_x2.pth", None, 2),
        ("FSRCNNx3.pth", None, 3),
        ("4x-sharp.pth", 2, 4),
        ("net_x2_256x256.pth", None, 2),
        ("net.pth", 3, 3),
        ("x2_to_x4.pth", 4.0, 4),
    ],
)
def test_scale_comes_from_the_file_name_then_from_what_is_asked(file, asked, taken, tmp_path):
    torch.save(find("fsrcnn").build(2).state_dict(), tmp_path / file)
    assert load(tmp_path / file, scale=asked).scale == taken


@pytest.mark.parametrize(("file", "asked"), [("net.pth", None), ("max4.pth", 2.5), ("x9.pth", 9)])
def test_unknown_scale_is_asked_for(file, asked, tmp_path):
    torch.save(find("fsrcnn").build(2).state_dict(), tmp_path / file)
    with pytest.raises(ModelFileError, match="same at every scale") as caught:
        load(tmp_path / file, scale=asked)
    assert "--scale 1 or 2 or 3 or 4" in caught.value.hint


def test_shapes_decide_the_scale_before_the_file_name(tmp_path):
    path = tmp_path / "espcn_x4.pth"
    torch.save(find("espcn").build(2).state_dict(), path)
    assert load(path, scale=3).scale == 2


@pytest.mark.parametrize(("asked", "taken"), [(None, 4), (2, 2), (2.5, 3)])
def test_foreign_network_that_enlarges_first_takes_the_asked_scale(asked, taken, tmp_path):
    torch.save(find("vdsr").build(2).state_dict(), tmp_path / "net.pth")
    assert load(tmp_path / "net.pth", scale=asked).scale == taken


def _shuffled(state: State, replace: Callable[[str], str]) -> bytes:
    return to_safetensors({replace(name): tensor for name, tensor in state.items()})


def test_layers_that_nothing_tells_apart_are_refused(tmp_path):
    """Two slopes of 56 values without number, neighbour or order: guessing would be silent."""
    names = {"extract.1": "alpha", "expand.1": "beta"}
    path = tmp_path / "net_x2.safetensors"
    state = dict(find("fsrcnn").build(2).state_dict())
    path.write_bytes(_shuffled(state, lambda n: names.get(n[:-7], n[:-7]) + n[-7:]))
    with pytest.raises(ModelFileError, match="does not tell the order of its layers alpha, beta"):
        load(path)


def test_order_of_the_file_tells_where_names_do_not(tmp_path):
    network = randomised(find("fsrcnn").build(2)).eval()
    words = [chr(ord("z") - i) * 3 for i in range(15)]
    path = tmp_path / "net_x2.pth"
    path.write_bytes(as_pth(renamed(dict(network.state_dict()), words)))
    x = sample(find("fsrcnn"))
    assert torch.equal(load(path).network(x), network(x))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s | {"first.bias": torch.zeros(63)}, "first.bias is 63 instead of 64"),
        (lambda s: {k: t for k, t in s.items() if k != "second.bias"}, "second.bias is missing"),
        (lambda s: s | {"extra.weight": torch.ones(2, 2)}, "extra.weight is unknown"),
        (
            lambda s: renamed({k: t for k, t in s.items() if k != "second.bias"}, ["a", "b", "c"]),
            "second.bias 32 is missing",
        ),
        (lambda s: renamed(s, ["a", "b", "c"]) | {"d.bias": torch.ones(7)}, "d.bias 7 is unknown"),
    ],
    ids=["wrong shape", "missing", "extra", "missing under other names", "extra under other names"],
)
def test_what_differs_from_the_nearest_network_is_named(change, word, tmp_path):
    path = tmp_path / "net.pth"
    torch.save(change(dict(find("espcn").build(2).state_dict())), path)
    with pytest.raises(ModelFileError, match=f"Nearest: espcn x2 .*{word}"):
        load(path)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("scale", "names", "psnr"),
    [
        (2, ["butterfly"], 34.699),
        (3, ["baby", "bird", "butterfly", "head", "woman"], 33.748),
        (4, ["butterfly"], 27.201),
    ],
)
def test_public_vdsr_scores_what_it_is_known_for(scale, names, psnr, data_root):
    """Weights of twtygqyy/pytorch-vdsr, who report 37.65, 33.77 and 31.45 dB on Set5.

    The whole Set5 gives 37.589, 33.748 and 31.434 here; and 37.510, 33.674 and 31.138 where the
    enlarged picture is rounded to 8 bits before the network, as their script does.
    """
    path = data_root / "weights" / "vdsr" / "vdsr_model_epoch_50_safe.npz"
    model = load(path, scale=scale)
    assert (model.spec.name, model.scale) == ("vdsr-nobias", scale)
    scores = [
        measure(
            model.network,
            model.spec,
            [read_uint8(data_root / "testsets" / "Set5" / f"{name}.png")],
            scale=scale,
            protocol=find_protocol("y-matlab"),
        )
        for name in names
    ]
    assert mean_score(scores).psnr == pytest.approx(psnr, abs=0.01)


@pytest.mark.data
def test_public_lapsrn_scores_what_it_is_known_for(data_root):
    """Weights of twtygqyy/pytorch-LapSRN, who report 31.65 dB on Set5 at x4.

    The whole Set5 gives 31.627 here.
    """
    model = load(data_root / "weights" / "lapsrn" / "lapsrn_x4_model_epoch_100_safe.npz")
    assert (model.spec.name, model.scale) == ("lapsrn", 4)
    butterfly = read_uint8(data_root / "testsets" / "Set5" / "butterfly.png")
    score = measure(
        model.network, model.spec, [butterfly], scale=4, protocol=find_protocol("y-matlab")
    )
    assert score.psnr == pytest.approx(27.528, abs=0.01)


@pytest.mark.data
@pytest.mark.parametrize(("scale", "error", "bicubic"), [(4, 2.132, 5.432), (8, 4.443, 9.321)])
def test_public_svlrm_halves_the_error_of_bicubic(scale, error, bicubic, data_root):
    """Weights of sunny2109/SVLRM, who report 1.67 and 3.22 over the 449 test frames at x4 and x8.

    The three whole frames here give 1.48 and 2.70, bicubic 3.67 and 5.92. Errors are in codes of a
    depth map stretched to 0..255; LR is the last pixel of each cell, which bicubic then shifts.
    """
    path = data_root / "weights" / "depth_svlrm" / f"SVLRM_X{scale}.pth"
    model = load(path)
    assert (model.spec.name, model.scale) == ("svlrm", scale)
    frames = data_root / "depth" / "NYUv2_3"
    metres = torch.from_numpy(np.load(frames / "depth" / "1000.npy"))
    depth = ((metres - metres.min()) / (metres.max() - metres.min()) * 255).round() / 255
    photo = read_uint8(frames / "rgb" / "1000.jpg").float() / 255
    guide = torch.tensor([0.299, 0.587, 0.114]) @ photo.flatten(1)
    window = (..., slice(56, 256), slice(56, 256))
    hr, guide = depth[None, None][window], guide.view(1, 1, *depth.shape)[window]
    lr = hr[..., scale - 1 :: scale, scale - 1 :: scale]

    def rmse(result: Tensor) -> float:
        return (255 * (result - hr)).square().mean().sqrt().item()

    assert rmse(imresize(lr, scale=scale)) == pytest.approx(bicubic, abs=0.01)
    assert rmse(model.network(lr, guide)) == pytest.approx(error, abs=0.02)
