"""Photos whose blur nobody knows: KernelGAN and DARSR, which learn from the one picture alone."""
