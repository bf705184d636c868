"""Every network says in ONNX what it says in torch, at sizes the export has not seen.

The suite exports one network of each family, with few of its repeated parts: an export takes
seconds, and the parts are alike. `make onnx-all` exports every network of the zoo whole, but for
those that are another one with more weights in its layers.
"""

from __future__ import annotations

import os
from inspect import signature

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from superfine.models import ZOO, ModelSpec, find
from superfine.models.glean import GLEAN
from superfine.models.glean_seed import SeedGLEAN
from tests.zoo import has_lighter_sibling, inputs

EVERYTHING = os.environ.get("SUPERFINE_ONNX") == "all"
# How often repeated parts come in the networks of the suite, by the words builds are told in.
_FEW = {"blocks": 1, "groups": 1, "layers": 2, "recursions": 2, "units": 1}
_LARGEST_SIDE = 4096
_EXPORTED = (6, 7)
_OTHERS = ((9, 4), (1, 1))

# torch tells itself that one of its own words is out of date.
pytestmark = pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\):FutureWarning")


def family(spec: ModelSpec) -> str:
    """What networks with the layers of `spec` are called: the first word of its name."""
    return spec.name.partition("-")[0]


def cases() -> list[object]:
    chosen: dict[str, ModelSpec] = {}
    for spec in ZOO:
        if spec.side is None:
            chosen.setdefault(spec.name if EVERYTHING else family(spec), spec)
    if EVERYTHING:
        chosen = {name: spec for name, spec in chosen.items() if not has_lighter_sibling(spec)}
    return [
        pytest.param(spec, min(scale for scale in spec.scales if scale > 1), id=spec.name)
        for spec in chosen.values()
    ]


def built(spec: ModelSpec, scale: int) -> nn.Module:
    """The network of `spec`; in the suite with few of its repeated parts."""
    few = {} if EVERYTHING else _FEW
    told = signature(spec.build).parameters
    torch.manual_seed(scale)
    network = spec.build(scale, **{word: count for word, count in few.items() if word in told})
    return network.eval().requires_grad_(False)


def exported(network: nn.Module, arguments: tuple[Tensor, ...], *, scale: int | None) -> object:
    """A session that runs `network`; of any height and width if `scale` is given."""
    import onnxruntime

    sizes = None
    if scale is not None:
        height, width = (Dim(name, min=1, max=_LARGEST_SIDE) for name in ("height", "width"))
        guide = {2: scale * height, 3: scale * width}
        sizes = ({2: height, 3: width}, guide)[: len(arguments)]
    program = torch.onnx.export(
        network, arguments, dynamo=True, verbose=False, dynamic_shapes=sizes
    )
    assert program is not None
    return onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def difference(session, network: nn.Module, arguments: tuple[Tensor, ...]) -> float:
    """The largest difference of any sample between the two answers."""
    names = [each.name for each in session.get_inputs()]
    feed = {name: each.numpy() for name, each in zip(names, arguments, strict=True)}
    (answer,) = session.run(None, feed)
    expected = network(*arguments)
    assert answer.shape == expected.shape
    return float((torch.from_numpy(answer) - expected).abs().max())


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "scale"), cases())
def test_onnx_says_the_same_at_any_size(spec, scale):
    network = built(spec, scale)
    session = exported(network, inputs(spec, scale, _EXPORTED), scale=scale)
    for size in (_EXPORTED, *_OTHERS):
        assert difference(session, network, inputs(spec, scale, size)) < 1e-4, size


SMALL_OF_ONE_SIZE = {
    "glean": lambda: GLEAN(4, side=8, channels=8, rrdb_channels=8, rrdb_blocks=1),
    "glean-seed": lambda: SeedGLEAN(4, side=8, channels=8, features=8, rrdb_blocks=1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL_OF_ONE_SIZE)
def test_a_network_of_one_size_is_exported_for_it(name):
    torch.manual_seed(0)
    network = SMALL_OF_ONE_SIZE[name]().eval().requires_grad_(False)
    session = exported(network, (torch.rand(1, 3, 8, 8),), scale=None)
    assert difference(session, network, (torch.rand(1, 3, 8, 8),)) < 1e-4


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("method", ["bicubic", "bilinear"])
def test_what_is_exported_is_matlabs_resize(scale, method, monkeypatch):
    """The form that knows no size, against the one that plans from it, at sizes down to a pixel."""
    from superfine.ops.resize import imresize

    for size in ((1, 1), (1, 2), (2, 3), (3, 1), (7, 12)):
        x = torch.rand(2, 3, *size, dtype=torch.float64)
        planned = imresize(x, scale=scale, method=method)
        with monkeypatch.context() as patch:
            patch.setattr(torch.compiler, "is_exporting", lambda: True)
            free = imresize(x, scale=scale, method=method)
        assert (free - planned).abs().max() < 1e-12


def test_an_untrained_network_is_not_all_zero():
    """The differences above are of something."""
    for name in ("espcn", "edsr-baseline"):
        spec = find(name)
        assert built(spec, 2)(*inputs(spec, 2, _EXPORTED)).abs().mean() > 1e-3
