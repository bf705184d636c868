"""Upscaling of files: one, several, or folders that can be stopped and continued.

Nothing here talks to the user: what happens comes out as values, to whoever asked.
"""
