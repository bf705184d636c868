"""Networks of the community: what is not in the zoo but in spandrel, under the zoo's contract.

spandrel knows some forty architectures by the names and shapes of their tensors. It is imported
when the first file fits no network of ours, and never sees the file: the tensors come from our
reader, which runs nothing, and what it builds from them is kept in bounds.
"""

from __future__ import annotations

from superfine.community.find import Found, find, rebuild
from superfine.community.network import PREFIX, CommunityNetwork
from superfine.community.reach import MeasuredReach

__all__ = ["PREFIX", "CommunityNetwork", "Found", "MeasuredReach", "find", "rebuild"]
