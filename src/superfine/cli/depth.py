"""`superfine depth`: depth maps in, larger depth maps out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from superfine.cli.job import run_job
from superfine.cli.options import (
    Debug,
    DryRun,
    JsonOfFiles,
    MaxMegapixels,
    Overwrite,
    Progress,
    Quiet,
    Recursive,
    Verbose,
)
from superfine.cli.upscale import parsed_size
from superfine.jobs.depth_request import DepthRequest, Meaning, parsed_meaning, parsed_samples

if TYPE_CHECKING:
    from superfine.jobs.job import Job


def depth(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="DEPTH", help="PNG, TIFF, PFM, EXR, NPY, NPZ, PGM or MAT files, or folders."
        ),
    ],
    *,
    guide: Annotated[
        str | None,
        typer.Option(
            "-g", "--guide", metavar="PHOTO",
            help="The same view as a picture, or a folder of them called like the maps.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="OUT",
            help="File or folder/. Usual: map.x4.METHOD.png beside the input, "
            "IN-x4-METHOD/ for a folder.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "-m", "--method", metavar="METHOD|MODEL|FILE",
            help="nearest, bicubic, joint-bilateral, guided-filter, guided-diffusion, a network "
            "or a weight file. Usual: guided-diffusion with a photo, bicubic without.",
            show_default=False,
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            "-s", "--scale", help="How many times larger. Usual: as large as the photo, else 4.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Or: 800x600, 800x, x600.", show_default=False),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT",
            help="m, cm, mm, scale=5000 (codes a metre), disparity, relative, or who wrote it: "
            "tum, 7-scenes, realsense, arkit ... Usual: the side-car's, else the likeliest.",
            show_default=False,
        ),
    ] = None,
    invalid: Annotated[
        str | None,
        typer.Option(
            metavar="0,nan,...",
            help="Samples that stand for holes. Usual: the unit's, 0 and NaN mostly.",
            show_default=False,
        ),
    ] = None,
    index: Annotated[
        int | None,
        typer.Option(metavar="N", help="Which map of a stack.", show_default=False),
    ] = None,
    holes: Annotated[
        Literal["keep", "fill"], typer.Option(help="What becomes of holes.")
    ] = "keep",
    phase: Annotated[
        str,
        typer.Option(
            metavar="OPERATOR|estimate",
            help="How the map was sampled: block-mean, bicubic, sample-mid, direct-last; "
            "estimate tells it from the photo.",
        ),
    ] = "block-mean",
    align: Annotated[
        bool, typer.Option("--align", help="Resize a photo that has not the size asked for.")
    ] = False,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="FX,FY,CX,CY|FILE", help="Of the input, in its pixels.", show_default=False
        ),
    ] = None,
    preview: Annotated[
        Literal["turbo", "cividis"] | None,
        typer.Option(help="A picture of the result in colours beside it.", show_default=False),
    ] = None,
    ply: Annotated[
        bool, typer.Option("--ply", help="A point cloud beside it; needs the camera.")
    ] = False,
    drop_edges: Annotated[
        bool, typer.Option("--drop-edges", help="No points that float between two surfaces.")
    ] = False,
    ext: Annotated[
        str | None,
        typer.Option(
            metavar="png|pfm|exr|npy|tif|...",
            help="Format of the results. Usual: the input's.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    recursive: Recursive = False,
    device: Annotated[
        str, typer.Option("-d", "--device", help="auto, cpu, cuda, cuda:1; for networks.")
    ] = "auto",
    max_megapixels: MaxMegapixels = None,
    dry_run: DryRun = False,
    as_json: JsonOfFiles = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Enlarges depth maps, alone or guided by a photo; holes stay holes, metres stay metres."""
    request = DepthRequest(
        inputs=inputs,
        output=output,
        guide=guide,
        method=method,
        scale=scale,
        size=None if size is None else parsed_size(size),
        meaning=Meaning() if unit is None else parsed_meaning(unit),
        invalid=None if invalid is None else parsed_samples(invalid),
        index=index,
        holes=holes,
        operator=phase,
        align=align,
        camera=camera,
        preview=preview,
        points=ply,
        drop_edges=drop_edges,
        ext=ext,
        recursive=recursive,
        overwrite=overwrite,
        device=device,
        max_megapixels=max_megapixels,
    )
    code = run_job(
        lambda _: _prepared(request),
        dry_run=dry_run,
        as_json=as_json,
        progress=progress,
        quiet=quiet,
        verbose=verbose,
        debug=debug,
    )
    raise typer.Exit(code)


def _prepared(request: DepthRequest) -> Job:
    from superfine.jobs.depth_prepare import prepare_depth

    return prepare_depth(request)
