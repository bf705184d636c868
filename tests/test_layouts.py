"""Weights in the layouts people share come back as the same network, on our range of values."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save as to_safetensors
from torch import Tensor

from superfine import foreign
from superfine.checkpoints import LoadedModel, load, load_model
from superfine.cli import main
from superfine.errors import ModelFileError
from superfine.foreign.convention import DIV2K as DIV2K_MEAN
from superfine.foreign.convention import convention_of, convert, entry_of, less
from superfine.foreign.layouts import LAYOUTS
from superfine.foreign.probe import agreement, picture
from superfine.models import find
from tests.conftest import ROOT
from tests.models.test_glean_layout import published
from tests.originals import DIV2K, ORIGINALS, OTHER_COLOURS, Original, State


def name_of(original: Original) -> str:
    return re.sub(r"\W+", "-", f"{original.source}-{original.ours}-x{original.scale}")


def original(source: str, ours: str, scale: int = 2) -> Original:
    return next(o for o in ORIGINALS if (o.source, o.ours, o.scale) == (source, ours, scale))


def saved(state: object, folder: Path, name: str = "net_x2") -> Path:
    path = folder / f"{name}.pth"
    torch.save(state, path)
    return path


def sample(original: Original, side: int = 7) -> Tensor:
    channels = 3 if find(original.ours).channels == "rgb" else 1
    return torch.rand(1, channels, side, side + 1, generator=torch.Generator().manual_seed(1))


def difference(model: LoadedModel, original: Original, state: State, lr: Tensor) -> Tensor:
    """How far the two pictures are apart; random weights make some of them very bright."""
    with torch.inference_mode():
        expected = original.run(state, lr)
        return (model.network(lr) - expected).abs() / expected.abs().max().clamp(min=1)


def told(model: LoadedModel) -> str:
    return " ".join(model.findings)


@pytest.mark.parametrize("original", ORIGINALS, ids=name_of)
def test_original_and_converted_weights_give_the_same_picture(original, tmp_path):
    state = original.state()
    path = tmp_path / f"{original.called}_x{original.scale}.safetensors"
    # Sorted by name: only the layout tells layers of equal shape apart.
    path.write_bytes(to_safetensors({f"module.{n}": t.contiguous() for n, t in state.items()}))
    model = load(path, scale=original.scale)
    assert (model.spec.name, model.scale) == (original.ours, original.scale)
    lr = sample(original)
    assert difference(model, original, state, lr).max() < 1e-4
    assert f"in the layout of {original.source}" in told(model)
    assert "edges" not in told(model)


def test_every_layout_has_a_formula_or_a_port_to_be_compared_with():
    """FSRCNN, SRCNN, ESPCN and Lornatang's are in test_foreign, by their names alone; SVLRM too."""
    formulas = {(o.source, o.ours.partition("-")[0]) for o in (*ORIGINALS, *OTHER_COLOURS)}
    ports = {(layout.source, layout.family) for layout in LAYOUTS} - formulas
    assert {family for _, family in ports} <= {"srcnn", "fsrcnn", "espcn", "vdsr", "svlrm"}
    assert formulas <= {(layout.source, layout.family) for layout in LAYOUTS}


def test_another_mean_colour_is_taken_off_but_for_the_edges(tmp_path):
    original = OTHER_COLOURS[0]
    state = original.state()
    model = load(saved(state, tmp_path))
    side = 2 * 34 + 9  # its reach on both sides, and some pixels between
    apart = difference(model, original, state, sample(original, side))
    middle = apart[..., 68:-68, 68:-68]
    assert middle.numel() > 0
    assert middle.max() < 1e-4 < apart.max()
    assert "values 0 to 1 less middle grey" in told(model)
    assert "Near the edges" in told(model)


def test_no_mean_colour_becomes_ours(tmp_path):
    """The attention of RCAN sees the whole picture: its edges change every pixel by very little."""
    original = OTHER_COLOURS[1]
    state = original.state()
    model = load(saved(state, tmp_path))
    apart = difference(model, original, state, sample(original, 40))
    assert apart.median() < 0.02
    wrong = load(saved(ORIGINALS[6].state(), tmp_path, "other"))
    assert difference(wrong, original, state, sample(original, 40)).median() > 0.1
    assert "Near the edges" in told(model)


def with_shift(state: State, span: float, matrix: Tensor | None = None) -> State:
    """`state` with the layers of EDSR-PyTorch for the mean colour."""
    eye = torch.eye(3) if matrix is None else matrix
    mean = span * DIV2K.flatten()
    return {
        "sub_mean.weight": eye.view(3, 3, 1, 1),
        "sub_mean.bias": -eye @ mean,
        **state,
        "add_mean.weight": torch.linalg.inv(eye).view(3, 3, 1, 1),
        "add_mean.bias": mean,
    }


@pytest.mark.parametrize("span", [1, 255])
def test_mean_shift_in_the_file_tells_the_range(span, tmp_path):
    """EDSR-PyTorch can be trained with --rgb_range 1: the names are the same."""
    by_layout = original("EDSR-PyTorch", "edsr-baseline")
    state = by_layout.state()
    model = load(saved(with_shift(state, span), tmp_path))
    assert f"values 0 to {span} less the mean colour of DIV2K, as the file itself" in told(model)
    lr = sample(by_layout)
    exact = span == 255
    assert bool(difference(model, by_layout, state, lr).max() < 1e-4) is exact


def test_mean_shift_that_had_learned_is_converted_too(tmp_path):
    """As in the public files of SRFBN, whose frozen layers were not frozen."""
    plain = original("EDSR-PyTorch", "edsr-baseline")
    state = plain.state()
    matrix = torch.eye(3) + 0.02 * torch.randn(3, 3, generator=torch.Generator().manual_seed(3))
    model = load(saved(with_shift(state, 255, matrix), tmp_path))

    def run(s: State, lr: Tensor) -> Tensor:
        mean = DIV2K.flatten()
        mapped = torch.einsum("dc,bchw->bdhw", matrix, lr - DIV2K) + DIV2K
        made = plain.run(s, mapped) - DIV2K
        back = torch.linalg.inv(matrix)
        return torch.einsum("dc,bchw->bdhw", back, made) + mean.view(1, 3, 1, 1)

    lr = sample(plain)
    with torch.inference_mode():
        assert (model.network(lr) - run(state, lr)).abs().max() < 1e-4


def test_a_colour_without_a_place_is_refused(tmp_path):
    state = dict(find("srcnn-955-rgb").build(2).state_dict())
    with pytest.raises(ModelFileError, match="no place for"):
        load(saved(with_shift(state, 1), tmp_path))


def fsrcnn_of_yjn870(span: float) -> tuple[State, LoadedModel]:
    """Real weights, made for [0, `span`], under the names of yjn870."""
    model = load_model("fsrcnn-x2", scale=2)
    state = {}
    for name, tensor in model.network.state_dict().items():
        layer, _, role = name.rpartition(".")
        part, _, number = layer.partition(".")
        first = {"shrink": 0, "map": 2, "expand": 10}
        theirs = {"extract": f"first_part.{number}", "enlarge": "last_part"}.get(part)
        theirs = theirs or f"mid_part.{first[part] + int(number)}"
        state[f"{theirs}.{role}"] = tensor * span if role == "bias" else tensor
    return state, model


@pytest.mark.parametrize("span", [1, 255])
def test_probe_finds_the_range_against_the_layout(span, tmp_path):
    state, model = fsrcnn_of_yjn870(span)
    found = load(saved(state, tmp_path))
    lr = picture(1)
    with torch.inference_mode():
        assert torch.allclose(found.network(lr), model.network(lr), atol=1e-5)
    assert f"It works on values 0 to {span}" in told(found)
    assert ("although usual with yjn870 are values 0 to 1" in told(found)) is (span == 255)
    assert "Warning" not in told(found)


@pytest.mark.parametrize("span", [1, 255])
def test_probe_finds_the_range_where_nothing_tells_it(span, tmp_path):
    state, model = fsrcnn_of_yjn870(span)
    found = load(saved(under_falling_names(state), tmp_path))
    lr = picture(1)
    with torch.inference_mode():
        assert torch.allclose(found.network(lr), model.network(lr), atol=1e-5)
    assert f"values 0 to {span}, which suits a test picture best" in told(found)
    assert "in the order of the file" in told(found)


def under_falling_names(state: State) -> State:
    """The same tensors in the same order, under names that tell nothing."""
    layers = dict.fromkeys(name.rpartition(".")[0] for name in state)
    words = {layer: chr(ord("z") - i) * 3 for i, layer in enumerate(layers)}
    return {
        f"{words[layer]}.{role}": tensor
        for name, tensor in state.items()
        for layer, _, role in [name.rpartition(".")]
    }


def test_untrained_weights_are_warned_of(tmp_path):
    model = load(saved(original("BasicSR", "edsr-baseline", 4).state(), tmp_path))
    assert "Warning: what it makes of a test picture is no enlargement" in model.findings[-1]


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "name", "scale", "values", "decibels"),
    [
        ("vdsr/vdsr_model_epoch_50_safe.npz", "vdsr-nobias", 4, "0 to 1,", [49.5]),
        ("lapsrn/lapsrn_x4_model_epoch_100_safe.npz", "lapsrn", 4, "0 to 1,", [49.3]),
        ("imdn/IMDN_x2.pth", "imdn", 2, "0 to 1,", [49.6, -22.1]),
        ("imdn/IMDN_x3.pth", "imdn", 3, "0 to 1,", [49.8, 28.3]),
        ("imdn/IMDN_x4.pth", "imdn", 4, "0 to 1,", [49.6, 0.5]),
        ("srfbn/SRFBN-S_x2_BI.pth", "srfbn-s", 2, "0 to 255, as the file itself", [49.4, 31.4]),
        ("srfbn/SRFBN-S_x4_BI.pth", "srfbn-s", 4, "0 to 255, as the file itself", [49.0, 41.9]),
        ("depth_svlrm/SVLRM_X4.pth", "svlrm", 4, "0 to 1,", [28.2]),
        ("depth_svlrm/SVLRM_X8.pth", "svlrm", 8, "0 to 1,", [27.0]),
    ],
)
def test_public_files_are_recognised_without_a_hint(file, name, scale, values, decibels, data_root):
    """The figures of docs/checkpoints.md: on the right range of values, and on the other."""
    model = load(data_root / "weights" / file)
    assert (model.spec.name, model.scale) == (name, scale)
    assert f"values {values}" in told(model)
    assert "Warning" not in told(model)
    found = [float(number) for number in re.findall(r"(-?[\d.]+) dB", told(model))]
    assert found == pytest.approx(decibels, abs=0.3)


@pytest.mark.data
@pytest.mark.parametrize(("scale", "decibels"), [(2, 13.7), (3, 5.8), (4, 3.0)])
def test_probe_tells_a_colour_that_was_not_to_be_taken_off(scale, decibels, data_root):
    model = load(data_root / "weights" / "imdn" / f"IMDN_x{scale}.pth")
    tensors = dict(model.network.state_dict())
    entry, ours = entry_of(model.spec), convention_of(model.network)
    model.network.load_state_dict(convert(tensors, entry, less(DIV2K_MEAN), ours))
    assert agreement(model.network, model.spec, scale) == pytest.approx(decibels, abs=0.3)


def run_of(state: State, folder: Path) -> Tensor:
    with torch.inference_mode():
        return load(saved(state, folder)).network(picture(1))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: (
            {f"generator.{n}": t for n, t in s.items()}
            | {"discriminator.0.weight": torch.ones(3, 3), "step_counter": torch.zeros(1)}
        ),
        lambda s: {f"_orig_mod.module.{n}": t for n, t in s.items()},
        lambda s: {f"netG.{n}": t for n, t in s.items()},
        lambda s: {"generator_ema": {f"module.{n}": t for n, t in s.items()}},
        lambda s: (
            {f"generator_ema.{n}": t for n, t in s.items()}
            | {f"generator.{n}": 0 * t for n, t in s.items()}
        ),
        lambda s: (
            s | {"total_ops": torch.zeros(1).double(), "first_part.total_params": torch.ones(1)}
        ),
        lambda s: {"n_averaged": torch.tensor(3)} | {f"module.{n}": t for n, t in s.items()},
    ],
    ids=["gan", "compiled", "netG", "averaged dict", "averaged names", "profiled", "swa"],
)
def test_what_lies_around_the_network_is_understood(wrap, tmp_path):
    state, _ = fsrcnn_of_yjn870(1)
    assert torch.equal(run_of(wrap(state), tmp_path), run_of(state, tmp_path))


def test_what_is_left_out_is_told(tmp_path):
    state, _ = fsrcnn_of_yjn870(1)
    around = {f"generator.{n}": t for n, t in state.items()} | {"discriminator.a": torch.ones(2)}
    assert "Used is what its names call generator" in told(load(saved(around, tmp_path)))
    profiled = state | {"total_ops": torch.zeros(1)}
    assert "belong to no layer: total_ops" in told(load(saved(profiled, tmp_path)))


def unnormed(state: State) -> State:
    """`state` with each length and direction multiplied."""
    return {
        n.replace("weight_v", "weight"): torch._weight_norm(t, state[n[:-1] + "g"], 0)
        if n.endswith("weight_v")
        else t
        for n, t in state.items()
        if not n.endswith("weight_g")
    }


def renormed(state: State) -> State:
    """`state` with lengths and directions under torch's names of today."""
    today = {
        "weight_g": "parametrizations.weight.original0",
        "weight_v": "parametrizations.weight.original1",
    }
    return {
        f"{layer}.{today.get(role, role)}": t
        for n, t in state.items()
        for layer, _, role in [n.rpartition(".")]
    }


@pytest.mark.parametrize("written", [unnormed, renormed])
def test_weight_norm_is_understood_in_every_writing(written, tmp_path):
    normed = original("wdsr_ntire2018", "wdsr-b", 3)
    state = normed.state()
    model = load(saved(written(state), tmp_path, "net_x3"))
    assert difference(model, normed, state, sample(normed)).max() < 1e-4


def test_weight_norm_is_undone_where_ours_has_none(tmp_path):
    state, _ = fsrcnn_of_yjn870(1)
    weight = state["mid_part.0.weight"]
    normed = {n: t for n, t in state.items() if n != "mid_part.0.weight"}
    normed["mid_part.0.weight_g"] = weight.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    normed["mid_part.0.weight_v"] = 7 * weight
    assert torch.allclose(run_of(normed, tmp_path), run_of(state, tmp_path), atol=1e-6)


def widened(state: State, *, stale: bool) -> State:
    """SPAN as it is trained: each 3x3 kernel but the last a sum of a chain and a 1x1 kernel."""
    generator = torch.Generator().manual_seed(7)
    wide: State = {}
    for name in dict.fromkeys(n.rpartition(".")[0] for n in state):
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        outputs, inputs, side, _ = weight.shape
        if side == 1 or name.startswith("upsampler"):
            wide |= {f"{name}.weight": weight, f"{name}.bias": bias}
            continue
        enter = torch.randn(2 * inputs, inputs, generator=generator)
        leave = torch.randn(outputs, 2 * outputs, generator=generator)
        skip = torch.randn(outputs, inputs, generator=generator)
        rest = weight.clone()
        rest[:, :, 1, 1] -= skip
        # A kernel whose chain with the two is the rest.
        inside = torch.einsum(
            "no,oihw,im->nmhw", torch.linalg.pinv(leave), rest, torch.linalg.pinv(enter)
        )
        biases = [torch.randn(n, generator=generator) for n in (2 * inputs, 2 * outputs, outputs)]
        left = torch.einsum("on,nmhw,m->o", leave, inside, biases[0]) + leave @ biases[1]
        wide |= {
            f"{name}.sk.weight": skip[:, :, None, None],
            f"{name}.sk.bias": bias - left - biases[2],
            f"{name}.conv.0.weight": enter[:, :, None, None],
            f"{name}.conv.0.bias": biases[0],
            f"{name}.conv.1.weight": inside,
            f"{name}.conv.1.bias": biases[1],
            f"{name}.conv.2.weight": leave[:, :, None, None],
            f"{name}.conv.2.bias": biases[2],
            f"{name}.eval_conv.weight": torch.zeros_like(weight) if stale else weight,
            f"{name}.eval_conv.bias": bias,
        }
    return wide


@pytest.mark.parametrize("form", ["trained", "merged"])
def test_span_is_merged_from_its_training_form(form, tmp_path):
    plain = original("SPAN's authors", "span-28", 4)
    state = plain.state()
    wide = widened(state, stale=form == "trained")
    if form == "merged":
        wide = {n: t for n, t in wide.items() if ".sk." not in n and ".conv." not in n}
    model = load(saved({"params_ema": wide}, tmp_path))
    assert model.spec.name == "span-28"
    assert difference(model, plain, state, sample(plain)).max() < 1e-4


def never_read() -> Tensor:
    raise AssertionError("only shapes are looked at")


@pytest.mark.parametrize("prefix", ["", "generator."])
def test_published_glean_is_recognised_by_its_shapes(prefix):
    shapes = {prefix + name: shape for name, shape in published(128, 1024).items()}
    if prefix:
        shapes |= {"discriminator.convs.0.weight": (8, 3, 3, 3), "step_counter": (1,)}
    tensors = {name: foreign.StoredTensor(shape, never_read) for name, shape in shapes.items()}
    found = foreign.recognise(foreign.StoredTensors(tensors, ordered=True), called="iter_300000")
    assert found is not None
    assert (found.spec.name, found.scales, found.told) == ("glean-128-1024", (8,), "own names")
    assert "GLEAN" in found.view.part


def test_free_drrn_is_told_by_its_file_name(tmp_path):
    network = find("drrn-b2u3").build(2)
    model = load(saved(network.state_dict(), tmp_path, "DRRN_B2U3"))
    assert model.spec.name == "drrn-b2u3"


def test_unknown_files_name_the_nearest_networks_and_the_hint(tmp_path, monkeypatch):
    state = original("EDSR-PyTorch", "edsr-baseline").state()
    del state["tail.1.bias"]
    monkeypatch.setattr("superfine.checkpoints.find_spec", lambda name: None)
    monkeypatch.setattr("superfine.community.find", lambda stored: None)
    with pytest.raises(ModelFileError) as caught:
        load(saved(state, tmp_path))
    assert "Nearest: edsr-baseline x2 (tail.bias 3 is missing)" in caught.value.message
    assert "\n" not in caught.value.message
    assert "superfine[community]" in caught.value.hint


def test_up_to_three_networks_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("superfine.community.find", lambda stored: None)
    state = dict(find("srcnn-935").build(2).state_dict()) | {"more": torch.ones(5)}
    with pytest.raises(ModelFileError, match="Nearest: srcnn-935 x1") as caught:
        load(saved(state, tmp_path))
    assert 1 <= caught.value.message.count(" x1 (") <= 3


@pytest.mark.parametrize(("options", "times"), [([], 1), (["--quiet"], 0), (["--json"], 1)])
def test_upscale_prints_findings_once_unless_quiet(options, times, tmp_path, capfd):
    path = saved(fsrcnn_of_yjn870(1)[0], tmp_path)
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    for picture_path in pictures:
        Image.new("RGB", (12, 9)).save(picture_path)
    arguments = ["upscale", *map(str, pictures), "-m", str(path), "-o", f"{tmp_path}/out/"]
    assert main([*arguments, *options]) == 0
    printed = capfd.readouterr()
    assert printed.err.count("superfine: The file holds fsrcnn") == times
    assert printed.err.count("superfine: Scale 2") == times
    assert "holds" not in printed.out


def test_loading_needs_no_compiler(tmp_path):
    """torch takes seconds to import its compiler, which sums on no memory would need."""
    path = saved(fsrcnn_of_yjn870(1)[0], tmp_path)
    code = (
        "import sys; from pathlib import Path; from superfine.checkpoints import load\n"
        f"load(Path({str(path)!r})); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_docs_name_every_layout():
    text = (ROOT / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    for layout in LAYOUTS:
        assert layout.source in text
        assert layout.family in text
