"""What a GLEAN of full size takes to enlarge one picture: the figures of docs/glean.md.

    python bench/glean_forward.py glean-128-1024

The weights are random, which costs the same. Prints the values of the network, the peak of the
whole process's memory, and the seconds of a forward pass by the processor's clock.
"""

from __future__ import annotations

import resource
import sys
import time

import torch

from superfine.models import find


def main(name: str) -> str:
    """One line about the network called `name`."""
    spec = find(name)
    (scale,) = spec.scales
    assert spec.side is not None
    network = spec.build(scale).eval()
    lr = torch.rand(1, 3, spec.side, spec.side)
    begun = time.process_time()
    with torch.no_grad():
        sr = network(lr)
    seconds = time.process_time() - begun
    assert torch.isfinite(sr).all()
    values = sum(tensor.numel() for tensor in network.state_dict().values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    return (
        f"{name}: {sr.shape[-1]}x{sr.shape[-2]} pixels, {values / 1e6:.1f} million values, "
        f"peak {peak:.0f} MiB, {seconds:.1f} s of {torch.get_num_threads()} threads"
    )


if __name__ == "__main__":
    print(main(*sys.argv[1:]))  # noqa: T201
