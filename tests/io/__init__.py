"""Tests of reading and writing picture files."""  # noqa: A005
