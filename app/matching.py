"""Which camera of a rig file belongs to which video."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from calibration.rig import Camera, Rig, RigFileError


def lenses_for_views(rig: Rig, views: Sequence[str], path: Path) -> tuple[Camera | None, ...]:
    """Find each view's lens in a rig file: by name, else by order.

    Parameters
    ----------
    rig
    views
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
    if set(views) & set(rig.names):
        return tuple(rig[view] if view in rig.names else None for view in views)
    if len(rig) == len(views):
        return tuple(rig.cameras)
    raise RigFileError(_misfit(rig, views, path))


def rig_for_views(rig: Rig, views: Sequence[str], sizes_wh: Sequence[tuple[int, int]], path: Path) -> Rig:
    """Put the cameras of a rig into the order of the views, by name, else by order.

    Parameters
    ----------
    rig
    views, sizes_wh
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
    if set(views) <= set(rig.names):
        cameras = [rig[view] for view in views]
    elif len(rig) == len(views) and not set(views) & set(rig.names):
        cameras = list(rig.cameras)
    else:
        raise RigFileError(_misfit(rig, views, path))
    for camera, view, size in zip(cameras, views, sizes_wh):
        if tuple(camera.size_wh) != tuple(size):
            raise RigFileError(
                f"'{path}' was calibrated with images of {camera.size_wh[0]}x{camera.size_wh[1]} of '{camera.name}', "
                f"but '{view}' has {size[0]}x{size[1]}. Use images of that size, or calibrate these."
            )
    offsets = {view: rig.time_offset_ns.get(camera.name, 0) for camera, view in zip(cameras, views)}
    return Rig(tuple(replace(c, name=view) for c, view in zip(cameras, views)), offsets, rig.metadata)


def _misfit(rig: Rig, views: Sequence[str], path: Path) -> str:
    """Say that a file's cameras are not those of the videos."""
    return (
        f"'{path}' describes {len(rig)} cameras ({', '.join(rig.names)}), which are not these {len(views)} "
        f"({', '.join(views)}). They must have the same names, or be as many and in the same order."
    )
