"""What a restoring network and its discriminator each minimise when they learn against each other.

All take logits of any shape, one per picture or a map per picture, and average over all of them:
the larger a logit, the more the discriminator believes the picture is real. In the discriminator's
step the restored pictures must be detached; in the other only the restoring network may be updated.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def vanilla_generator(fake: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean of -ln σ(fake): zero when every restored picture is taken for real.

    Source: Goodfellow et al., "Generative Adversarial Nets", NIPS 2014, in its non-saturating form.
    """
    return F.softplus(-fake).mean()


def vanilla_discriminator(
    real: Float[Tensor, "*shape"], fake: Float[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """Mean of -ln σ(real) plus mean of -ln(1 - σ(fake)); 2·ln 2 for one that only guesses.

    Source: Goodfellow et al., "Generative Adversarial Nets", NIPS 2014.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def relativistic_generator(
    real: Float[Tensor, "*shape"], fake: Float[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """The discriminator's loss with the roles exchanged: restored pictures are to look more real.

    Source: as `relativistic_discriminator`.
    """
    return relativistic_discriminator(fake, real)


def relativistic_discriminator(
    real: Float[Tensor, "*shape"], fake: Float[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """Whether real pictures look more real than the average restored one, and these less.

    Mean of -ln σ(real - mean fake) plus mean of -ln(1 - σ(fake - mean real)).

    Source: Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from
    standard GAN", ICLR 2019, arXiv:1807.00734, the average form (RaSGAN). ESRGAN's code takes half.
    """
    return F.softplus(fake.mean() - real).mean() + F.softplus(fake - real.mean()).mean()
