"""The grid of cameras: image, people and state of each camera."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.presenters.severity import Severity
from calibration.geometry.arrays import U8
from engine.frames import FrameSet
from engine.poses import Pose2D, PoseSet2D


@dataclass(frozen=True, slots=True, eq=False)
class CameraTile:
    """One camera as the grid shows it.

    Parameters
    ----------
    name
    image_bgr : (H, W, 3), uint8
        None where there is no image of this instant.
    people
        In pixels of the image.
    detail
        Size, rate and losses, in a few words.
    severity
        Of the camera's state.
    message
        Shown in place of a missing image: why, and what to do.
    keeps_image
        True where the last image stays until a new one arrives; dimmed under a message.
    can_retry
        True where reconnecting may help.
    warning
        Anything else to know, for instance that its exposure is automatic.
    """

    name: str
    image_bgr: U8 | None
    people: tuple[Pose2D, ...] = ()
    detail: str = ""
    severity: Severity = Severity.NEUTRAL
    message: str = ""
    keeps_image: bool = False
    can_retry: bool = False
    warning: str = ""


def present_cameras(
    names: Sequence[str],
    frames: FrameSet | None,
    poses: PoseSet2D | None,
    details: Mapping[str, str],
) -> tuple[CameraTile, ...]:
    """Describe every camera at one instant.

    Parameters
    ----------
    names
        In camera order.
    frames
        None before the first instant.
    poses
        Of the same instant; None before pose estimation.
    details
        A few words by camera name.

    Returns
    -------
    tiles
        In camera order.
    """
    tiles = []
    for view, name in enumerate(names):
        frame = frames.frames[view] if frames else None
        people = poses.poses_by_view[view] if poses else ()
        detail = details.get(name, "")
        if frame is None:
            message = "No image for this frame" if frames else "Waiting for the first image"
            tiles.append(CameraTile(name, None, (), detail, Severity.WARNING, message))
        else:
            tiles.append(
                CameraTile(
                    name,
                    frame.image_bgr,
                    people,
                    detail,
                    Severity.GOOD if people else Severity.NEUTRAL,
                )
            )
    return tuple(tiles)
