"""Watching the memory that a piece of work takes for tensors, and limiting it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only


class Allocations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts, inside a `with`, the bytes of all tensors made there; memory they share once.

    What an operation takes for itself and gives back is not seen. Tensors without memory, on the
    device "meta", are passed over, or counted alone as if they had it: then nothing is taken.

    Attributes:
        live: Bytes of the tensors that are there now.
        peak: The most there were at one time.
    """

    def __init__(
        self, most: int | None = None, *, operations: int | None = None, imagined: bool = False
    ) -> None:
        """Starts at nothing.

        Args:
            most: Bytes that may live at one time. An operation that would exceed it raises
                MemoryError before it takes any.
            operations: How many may make tensors; the next one raises MemoryError.
            imagined: Count the tensors without memory instead of those with it.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = 0
        self.peak = 0
        self._most = most
        self._left = operations
        self._imagined = imagined
        self._known: set[int] = set()

    def pass_over(self, tensors: Iterable[Tensor]) -> None:
        """Counts no views of `tensors`, which were there before and outlive the `with`."""
        self._known.update(tensor.untyped_storage()._cdata for tensor in tensors)

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        named = dict(kwargs or {})
        self._spend()
        if self._most is not None and not func._schema.is_mutable:
            self._refuse(_bytes_of(func, args, named))
        result = func(*args, **named)
        for made in tree_leaves(result):
            if isinstance(made, Tensor):
                self._count(made.untyped_storage())
        return result

    def _spend(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise MemoryError("too many tensors")

    def _refuse(self, wanted: int) -> None:
        if self._most is not None and self.live + wanted > self._most:
            raise MemoryError(f"{self.live + wanted:,} bytes wanted, {self._most:,} allowed")

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known or (storage.device.type == "meta") != self._imagined:
            return
        self._known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size


def _bytes_of(func: OpOverload, args: tuple[object, ...], named: dict[str, object]) -> int:
    """Bytes of the new tensors `func` would make, found out without making them."""
    if all(returned.alias_info is not None for returned in func._schema.returns):
        return 0  # only views of what is there
    tensors_in = [leaf for leaf in tree_leaves((args, named)) if isinstance(leaf, Tensor)]
    if not tensors_in:
        named = {**named, "device": "meta"}
    try:
        made = func(
            *tree_map_only(Tensor, _without_memory, args),
            **tree_map_only(Tensor, _without_memory, named),
        )
    except (RuntimeError, NotImplementedError, TypeError):
        return 0  # it answers with a number, or fails as it would with memory
    return sum(t.numel() * t.itemsize for t in tree_leaves(made) if isinstance(t, Tensor))


def _without_memory(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
