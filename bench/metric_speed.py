"""How long PSNR and SSIM take here against scikit-image, and how long IFC and VIF take.

    python bench/metric_speed.py

Scores noisy pictures in memory, luma in float64, with this project and with scikit-image in turns,
first with one thread and then with two; scikit-image itself always uses one. Printed are both
median times and the median of the paired ratios, and how far the results are apart.

With one thread the time is processor time, which on an idle machine is the time, and on a busy one
leaves out the others' turns. With two it is the clock's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from jaxtyping import Float
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from superfine.metrics import ifc, psnr, ssim, vif

THREADS = (1, 2)
SIZES = ((512, 512), (1356, 2040))
TURNS = 11
RANGE = 255.0

Scores = tuple[float, float]
Pair = tuple[Float[Tensor, "1 h w"], Float[Tensor, "1 h w"]]


def pair(height: int, width: int) -> Pair:
    """A smooth picture and a noisy one, as 8-bit codes."""
    draw = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 1, height // 8, width // 8, generator=draw, dtype=torch.float64)
    hr = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")[0]
    noise = torch.randn(hr.shape, generator=draw, dtype=torch.float64)
    return ((hr + noise / 50) * RANGE).round().clamp(0, RANGE), (hr * RANGE).round()


def ours(sr: Tensor, hr: Tensor) -> Scores:
    """PSNR and SSIM as this project measures them."""
    return float(psnr(sr, hr, data_range=RANGE)), float(ssim(sr, hr, data_range=RANGE))


def theirs(sr: Tensor, hr: Tensor) -> Scores:
    """PSNR and SSIM of scikit-image, which averages SSIM where the window fits whole, too."""
    x, y = sr[0].numpy(), hr[0].numpy()
    similarity = structural_similarity(
        x, y, data_range=RANGE, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(peak_signal_noise_ratio(y, x, data_range=RANGE)), float(similarity)


def seconds(score: Callable[[], object]) -> float:
    """How long one call takes: processor time of one thread, the clock's of several."""
    clock = time.perf_counter if torch.get_num_threads() > 1 else time.thread_time
    started = clock()
    score()
    return clock() - started


def compare(sr: Tensor, hr: Tensor) -> str:
    """Both libraries in turns on one pair."""
    apart = max(abs(a - b) for a, b in zip(ours(sr, hr), theirs(sr, hr), strict=True))
    # In turns, so that a drift of the machine favours neither.
    times = [(seconds(lambda: ours(sr, hr)), seconds(lambda: theirs(sr, hr))) for _ in range(TURNS)]
    mine, other = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(b / a for a, b in times)
    return f"{mine:6.0f} ms, scikit-image {other:6.0f} ms, {ratio:.1f}x, apart {apart:.0e}"


def alone(metric: Callable[..., Tensor], sr: Tensor, hr: Tensor) -> float:
    """Median milliseconds of a metric that scikit-image does not have."""
    metric(sr, hr, data_range=RANGE)
    return 1000 * statistics.median(
        seconds(lambda: metric(sr, hr, data_range=RANGE)) for _ in range(TURNS)
    )


def main() -> None:
    """Measures and prints."""
    for threads in THREADS:
        torch.set_num_threads(threads)
        said = f"{threads} thread{'s' if threads > 1 else ''}"
        for height, width in SIZES:
            found = compare(*pair(height, width))
            print(f"{said:9}  PSNR + SSIM  {width}x{height}: {found}", flush=True)  # noqa: T201
        sr, hr = pair(*SIZES[0])
        for metric in (ifc, vif):
            took = alone(metric, sr, hr)
            print(f"{said:9}  {metric.__name__.upper()}  512x512: {took:.0f} ms")  # noqa: T201


if __name__ == "__main__":
    main()
