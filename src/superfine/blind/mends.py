"""What the public DARSR code has wrong, as one value, so that each mend can be measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mends:
    """Which errors of the public code are mended.

    What it does beside these is not offered: it keeps, of all its results, the one nearest to the
    truth, where that is given. Nothing here takes a truth. KernelGAN's code adds noise to the
    picture it reads from at every step, so that it drowns; here pictures are only read.

    Attributes:
        geometry: At x4 the kernel is the x2 kernel applied twice, 37 values wide, in place, and
            held against the bicubic kernel of x4. The code has 13 values, which a kernel x4 does
            not fit into, two losses that want its centre two pixels apart, and the bicubic kernel
            of x2. At every scale, patches of the picture keep their direction while a blur is
            learnt; the code mirrors and turns them, which leaves nothing of the blur's own.
        colours: Each colour is held against bicubic of itself. The code adds the three up, which
            draws the generator to three times the brightness.
        score_schedule: The score network learns at one rate. The code's rate is halved every 100
            steps: after 1000 of its 3000 it is a thousandth, and nothing is learnt any more.
        brightness: The weights of the 72 filters sum to 1, so that even areas stay as bright as
            they are. In the code nothing holds the sum.
    """

    geometry: bool = True
    colours: bool = True
    score_schedule: bool = True
    brightness: bool = True


MENDED = Mends()
AS_THE_SEED = Mends(geometry=False, colours=False, score_schedule=False, brightness=False)
