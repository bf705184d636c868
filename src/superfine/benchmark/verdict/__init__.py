"""Why a PSNR is not the published one: the same results under the usual wrong settings."""
