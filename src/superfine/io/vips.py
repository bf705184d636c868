"""libvips, imported late and with everything we do not need switched off."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any, TypeAlias

# pyvips carries no types, and importing it costs a tenth of a second that `--help` need not pay.
VipsImage: TypeAlias = Any
VipsModule: TypeAlias = Any


@cache
def load_vips() -> VipsModule:
    """The pyvips module: no operation cache, no loaders that libvips itself calls untrusted."""
    os.environ.setdefault("VIPS_WARNING", "0")  # its warnings go to stderr; ours go into notes
    logger = logging.getLogger("pyvips")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    import pyvips

    # Cached operations would keep whole pictures in memory, and hand out files that have changed.
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    # Reads only the spool files we wrote ourselves; libvips lists it as untrusted because it
    # believes the sizes it is given.
    pyvips.operation_block_set("VipsForeignLoadRaw", False)
    return pyvips
