"""How patches lie in an HDF5 file.

One upscale factor, or several with `same_size`: datasets `lr` and `hr`, and `scale` [N] when there
are several. Several factors otherwise: groups `x2`, `x3`, ... with `lr` and `hr` each, because
their LR patches differ in size. With `levels`: `lr`, `hr_x2`, `hr_x4`, ...; `hr` is another name
of the largest. [N, rows, columns] for luma, [N, rows, columns, 3] for colour, uint8. Every option
is an attribute of the file.
"""

from __future__ import annotations

from dataclasses import asdict

from superfine.data.patch_file import H5File, load_h5py
from superfine.data.prepare.patches import shapes
from superfine.data.prepare.plan import Plan

Key = tuple[str, str]  # shelf (a group, or "" for the file itself), name


def shelf_of(plan: Plan, factor: int) -> str:
    """The group that patches of an upscale factor go to."""
    apart = len(plan.options.upscale_factors) > 1 and not plan.options.same_size
    return f"x{factor}" if apart else ""


def shelf_counts(plan: Plan) -> dict[str, int]:
    """Group -> patches in it."""
    counts: dict[str, int] = {}
    for factor, count in plan.counts.items():
        shelf = shelf_of(plan, factor)
        counts[shelf] = counts.get(shelf, 0) + count
    return counts


def datasets(plan: Plan) -> dict[Key, tuple[int, ...]]:
    """Every dataset with its shape."""
    options, counts = plan.options, shelf_counts(plan)
    found: dict[Key, tuple[int, ...]] = {}
    for factor in options.upscale_factors:
        shelf = shelf_of(plan, factor)
        for name, shape in shapes(factor, options).items():
            found[shelf, name] = (counts[shelf], *shape)
    if options.same_size and len(options.upscale_factors) > 1:
        found["", "scale"] = (counts[""],)
    return found


def create(file: H5File, plan: Plan) -> None:
    """Makes every dataset, contiguous and at its full size, and the attributes."""
    h5py = load_h5py()
    for (shelf, name), shape in datasets(plan).items():
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_layout(h5py.h5d.CONTIGUOUS)
        how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        how.set_obj_track_times(False)  # or two runs would differ in their bytes
        group = file.require_group(f"/{shelf}")
        space = h5py.h5s.create_simple(shape)
        h5py.h5d.create(group.id, name.encode(), h5py.h5t.STD_U8LE, space, how)
    if plan.options.levels:
        file["hr"] = file[f"hr_x{plan.options.upscale_factors[0]}"]
    for name, value in _attributes(plan).items():
        file.attrs[name] = value


def fits(file: H5File, plan: Plan) -> bool:
    """Whether `create` made `file` for this very plan."""
    same = file.attrs.get("fingerprint") == plan.fingerprint
    return same and all("/".join(key) in file for key in datasets(plan))


def _attributes(plan: Plan) -> dict[str, object]:
    options = {name: value for name, value in asdict(plan.options).items() if value is not None}
    return {
        **options,
        # A name need not be text for the system, but must be for HDF5.
        "folder": plan.options.folder.name.encode(errors="backslashreplace").decode(),
        "upsampling": " ".join(plan.options.upsampling),
        "pictures": len(plan.pictures),
        "fingerprint": plan.fingerprint,
    }
