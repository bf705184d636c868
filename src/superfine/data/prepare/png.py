"""Patches as pairs of PNG files in two folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8, UInt64
from torch import Tensor

from superfine.data.prepare.patches import Cut
from superfine.data.prepare.plan import Plan
from superfine.data.prepare.record import remove_working_folder, working_folder
from superfine.errors import OutputError, UsageError
from superfine.io.atomic import output_errors, sync_folder
from superfine.io.writer import write
from superfine.types import Image


class FolderOutput:
    """Two folders of pictures `{stem}_{number:06d}_x{factor}.png`, with the same names in both.

    Attributes:
        target: Folder of the HR patches.
        folder: Where both grow.
    """

    def __init__(self, hr: Path, lr: Path) -> None:
        """Nothing is touched yet.

        Raises:
            UsageError: When both are one folder.
        """
        if hr.resolve() == lr.resolve():
            raise UsageError(f"--hr and --lr are both {hr}.", hint="Give two folders.")
        self.target = hr
        self.folder = working_folder(hr)
        # LR may live on another file system, and a rename cannot leave one.
        self._ways = {
            "hr": (self.folder / "hr", hr),
            "lr": (working_folder(lr) / "lr", lr),
        }

    def require_free(self) -> None:
        """Checks that both folders are absent or empty.

        Raises:
            OutputError: E_EXISTS or E_OUTPUT.
        """
        for _, target in self._ways.values():
            if target.exists() and not (target.is_dir() and not any(target.iterdir())):
                raise OutputError(
                    f"{target} exists already and is not an empty folder.",
                    hint="Choose another name.",
                    code="E_EXISTS",
                )
            if not target.parent.is_dir():
                raise OutputError(
                    f"The folder {target.parent} does not exist.", hint="Create it first."
                )

    def begin(self, plan: Plan) -> None:
        """Makes both growing folders, empty.

        Raises:
            UsageError: Levels, which have no place in two folders.
            OutputError: E_COLLISION when two pictures would give the same names.
        """
        if plan.options.levels:
            raise UsageError("--levels needs --h5: two folders hold two resolutions.")
        seen: dict[str, Path] = {}
        for picture in plan.pictures:
            other = seen.setdefault(picture.path.stem, picture.path)
            if other != picture.path:
                raise OutputError(
                    f"{other.name} and {picture.path.name} would give patches of the same names.",
                    hint="Rename one of them.",
                    code="E_COLLISION",
                )
        for working, target in self._ways.values():
            with output_errors(target):
                shutil.rmtree(working, ignore_errors=True)
                working.mkdir(parents=True)

    def open(self, plan: Plan) -> bool:
        """Takes up both growing folders; False when one is not there."""
        for working, _ in self._ways.values():
            if not working.is_dir():
                return False
            for path in working.iterdir():
                if path.name.startswith("."):  # a file that a kill has cut short
                    path.unlink()
        return True

    def put(
        self, plan: Plan, cut: Cut, *, stem: str, first: int, index: UInt64[np.ndarray, " n"]
    ) -> int:
        """Writes the patches of a cut, numbered from `first`.

        Returns:
            0: each file has read itself back.
        """
        for array, (working, _) in self._ways.items():
            for number, patch in enumerate(cut.patches[array], first):
                name = f"{stem}_{number:06d}_x{cut.upscale_factor}.png"
                write(Image(_planes(patch)), working / name, overwrite=True)
        return 0

    def sync(self) -> None:
        """Returns at once: each file is on disk when it is written."""

    def verify(self, plan: Plan, checksum: int) -> None:
        """Counts the files.

        Raises:
            OutputError: E_VERIFY.
        """
        expected = sum(plan.counts.values())
        for working, target in self._ways.values():
            found = sum(1 for _ in working.iterdir())
            if found != expected:
                raise OutputError(
                    f"{target.name} would hold {found} patches instead of {expected}.",
                    hint="Somebody wrote into its hidden folder; run the same command again.",
                    code="E_VERIFY",
                )

    def moved(self) -> bool:
        """Whether a folder, at least, has been renamed into place."""
        left = [working.is_dir() for working, _ in self._ways.values()]
        return not all(left) and all(
            working.is_dir() or target.is_dir() for working, target in self._ways.values()
        )

    def finish(self) -> tuple[Path, ...]:
        """Renames both folders into place, as far as that was not done already."""
        for working, target in self._ways.values():
            if working.exists():
                with output_errors(target):
                    working.replace(target)
                    sync_folder(target.parent)
        beside_lr = self._ways["lr"][0].parent
        if beside_lr != self.folder and beside_lr.exists():
            remove_working_folder(beside_lr)
        return tuple(target for _, target in self._ways.values())

    def close(self) -> None:
        """Holds nothing open."""


def _planes(patch: UInt8[np.ndarray, "h w *colours"]) -> UInt8[Tensor, "c h w"]:
    # (h, w) or (h, w, 3) -> (c, h, w)
    return torch.from_numpy(patch.reshape(*patch.shape[:2], -1)).permute(2, 0, 1)
