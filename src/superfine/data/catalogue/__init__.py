"""The data sets of the field: which there are, where they lie, and whether they are the right ones.

Nothing here is downloaded unless somebody asks for exactly that (`superfine data get NAME`).
"""

from __future__ import annotations

from superfine.data.catalogue.places import data_roots, locate
from superfine.data.catalogue.sets import CATALOGUE, Archive, DataSet
from superfine.errors import unknown_name

__all__ = ["CATALOGUE", "Archive", "DataSet", "data_roots", "find_data_set", "locate"]


def find_data_set(name: str) -> DataSet:
    """The data set called `name`, in whatever case; "B100" is bsd100.

    Raises:
        UnknownNameError: With the nearest name there is.
    """
    wanted = name.lower()
    for data_set in CATALOGUE:
        if wanted in (data_set.name, data_set.title.lower(), *data_set.aliases):
            return data_set
    known = (n for entry in CATALOGUE for n in (entry.name, *entry.aliases))
    raise unknown_name("data set", name, known, listing="superfine data list")
