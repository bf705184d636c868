"""What is wrong with a picture: its blur, noise, JPEG and earlier enlargement, and the plan."""

from __future__ import annotations

from superfine.diagnose.jpeg import Jpeg, quantisation_tables
from superfine.diagnose.report import Action, Diagnosis, Step, diagnose
from superfine.diagnose.resized import Resized
from superfine.diagnose.spectral import Blur, spectral_blur

__all__ = [
    "Action",
    "Blur",
    "Diagnosis",
    "Jpeg",
    "Resized",
    "Step",
    "diagnose",
    "quantisation_tables",
    "spectral_blur",
]
