"""Depth maps made larger, alone or guided by a photo."""
