"""How much memory training has taken so far."""

from __future__ import annotations

import resource

import torch


def memory_mb(device: torch.device) -> int:
    """The most memory taken until now, in MiB: of the GPU, or of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device) >> 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
