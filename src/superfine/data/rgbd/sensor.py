"""A depth camera of structured light: noise that grows with distance, steps, and holes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from superfine.data.rgbd.dice import Dice, even_field, normal_field

# Purposes of random numbers.
_LIMITS, _SIDEWAYS, _ALONG, _SPECKLE = 20, 21, 22, 23
_BASELINE = 0.075  # metres between projector and camera of a Kinect
_STEPS = 8  # of disparity in a pixel of a camera 640 pixels wide
_NOMINAL_WIDTH = 640


def sensed(
    depth: Float[np.ndarray, "h w"],
    facing: Float[np.ndarray, "h w"],
    glare: Float[np.ndarray, "h w"],
    *,
    focal: float,
    seed: int,
    index: int,
) -> tuple[Float[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """What a camera like a Kinect reports of `depth`, and where it reports anything.

    Noise along the ray is that of Nguyen, Izadi, Lovell, "Modeling Kinect Sensor Noise for
    Improved 3D Reconstruction and Tracking", 3DIMPVT 2012: 0.0012 + 0.0019 (z - 0.4)^2 metres,
    more at a slant; sideways, pixels take the depth of a neighbour 0.8 pixels away (of 640 across).
    Disparity comes in eighths of a pixel (Khoshelham, Elberink, Sensors 2012), so that depth comes
    in steps of z^2 / (8 f b). Nothing is reported where the projector, right of the camera, does
    not reach: left of near things; nor out of range, in highlights, at a slant, and here and there.
    Deviations: how often, how far and how slanted is drawn for each scene, for sensors differ.

    Args:
        depth: In metres.
        facing: Cosine of the angle between ray and surface.
        glare: Strength of highlights.
        focal: Focal length in pixels.
        seed: Of the run.
        index: Of the scene.
    """
    dice = Dice(seed, index, _LIMITS)
    fine = depth.shape[1] / _NOMINAL_WIDTH
    seen = _jittered(depth, seed, index, 0.8 * fine)
    angle = np.arccos(np.clip(facing, 0.05, 1))
    slant = (angle / (np.pi / 2 - angle)) ** 2
    sigma = 0.0012 + 0.0019 * (seen - 0.4) ** 2 + 0.0001 * slant / np.sqrt(seen)
    noise = normal_field(seed, index, _ALONG, depth.shape)[0]
    noisy = np.maximum(seen + np.clip(noise, -3, 3) * sigma, 0.05)
    # A smaller picture of the same camera has larger pixels, but no coarser disparity.
    steps = focal * _BASELINE * _STEPS / fine
    stepped = steps / np.maximum(np.round(steps / noisy), 1)
    valid = (stepped > dice.uniform(0.22, 0.4)) & (stepped < dice.uniform(4.5, 9.0))
    valid &= ~_unlit(depth, focal)
    valid &= glare < dice.uniform(0.15, 0.4)
    speckle = even_field(seed, index, _SPECKLE, depth.shape)
    valid &= facing > dice.uniform(0.08, 0.25) * (0.6 + 0.8 * speckle)
    valid &= speckle > dice.uniform(0, 0.01)
    return np.where(valid, stepped, 0), valid


def _jittered(
    depth: Float[np.ndarray, "h w"], seed: int, index: int, sigma: float
) -> Float[np.ndarray, "h w"]:
    """Each pixel from about there, which frays silhouettes without inventing depths."""
    height, width = depth.shape
    away = np.rint(sigma * normal_field(seed, index, _SIDEWAYS, depth.shape)).astype(int)
    rows = np.clip(np.arange(height)[:, None] + away[0], 0, height - 1)
    columns = np.clip(np.arange(width) + away[1], 0, width - 1)
    seen: Float[np.ndarray, "h w"] = depth[rows, columns]
    return seen


def _unlit(depth: Float[np.ndarray, "h w"], focal: float) -> Bool[np.ndarray, "h w"]:
    """Where something nearer stands between the surface and the projector.

    From the projector a pixel of column x is seen at x - f b / z; it is hidden when a pixel to its
    right, being nearer, is seen at the same place or further left.
    """
    place = np.arange(depth.shape[1]) - focal * _BASELINE / depth
    leftmost = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    # A hair, so that the slopes of surfaces do not shade themselves by rounding.
    hidden: Bool[np.ndarray, "h w"] = leftmost < place - 1e-6
    return hidden
