"""Which camera of a rig file belongs to which video."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from calibration.rig import Camera, Rig, RigFileError


def match_lenses(rig: Rig, view_names: Sequence[str], path: Path) -> tuple[Camera | None, ...]:
    """Find each view's lens in a rig file: by name, else by order.

    Parameters
    ----------
    rig
    view_names
        Names of the videos.
    path
        Of the file, for the error.

    Returns
    -------
    cameras : V of them
        None for a view that is not in the file although others are.

    Raises
    ------
    RigFileError
        If no name is known and the numbers differ.
    """
    if set(view_names) & set(rig.names):
        return tuple(rig[view] if view in rig.names else None for view in view_names)
    if len(rig) == len(view_names):
        return tuple(rig.cameras)
    raise RigFileError(_describe_mismatch(rig, view_names, path))


def match_rig(
    rig: Rig, view_names: Sequence[str], sizes_wh: Sequence[tuple[int, int]], path: Path
) -> Rig:
    """Put the cameras of a rig into the order of the views, by name, else by order.

    Parameters
    ----------
    rig
    view_names, sizes_wh
        Names and image sizes of the videos.
    path
        Of the rig's file, for the error.

    Returns
    -------
    rig
        With the names of the views.

    Raises
    ------
    RigFileError
        If a view has no camera, or the camera is for images of another size.
    """
    if set(view_names) <= set(rig.names):
        cameras = [rig[view] for view in view_names]
    elif len(rig) == len(view_names) and not set(view_names) & set(rig.names):
        cameras = list(rig.cameras)
    else:
        raise RigFileError(_describe_mismatch(rig, view_names, path))
    for camera, view, size in zip(cameras, view_names, sizes_wh):
        if tuple(camera.size_wh) != tuple(size):
            raise RigFileError(
                f"'{path}' was calibrated with images of "
                f"{camera.size_wh[0]}x{camera.size_wh[1]} of '{camera.name}', "
                f"but '{view}' has {size[0]}x{size[1]}. Use images of that size, or calibrate "
                "these."
            )
    offsets = {
        view: rig.time_offset_ns.get(camera.name, 0) for camera, view in zip(cameras, view_names)
    }
    return Rig(
        tuple(replace(c, name=view) for c, view in zip(cameras, view_names)), offsets, rig.metadata
    )


def _describe_mismatch(rig: Rig, view_names: Sequence[str], path: Path) -> str:
    """Say that a file's cameras are not those of the videos."""
    return (
        f"'{path}' describes {len(rig)} cameras ({', '.join(rig.names)}), which are not these "
        f"{len(view_names)} "
        f"({', '.join(view_names)}). They must have the same names, or be as many and in the "
        "same order."
    )
