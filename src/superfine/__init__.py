"""Sharper pictures and depth maps, with numbers that can be believed.

The public names load on first use, so that `import superfine` costs no torch import.
"""

__version__ = "0.1.0"
