"""Cutting pictures into patches, in bounded memory, restartable."""
