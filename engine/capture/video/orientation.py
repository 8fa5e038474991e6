"""How a file is to be shown: turned by quarter turns, perhaps mirrored."""

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import U8


@dataclass(frozen=True, slots=True)
class Orientation:
    """A quarter-turn display matrix, as phones write it.

    Parameters
    ----------
    clockwise_deg
        By how much images are turned to be upright: 0, 90, 180 or 270.
    mirrored
        The file has a mirror flag on top of the turn. It is not applied: a mirrored person has left
        and right exchanged, and no camera sees like that.
    """

    clockwise_deg: int = 0
    mirrored: bool = False

    def rotate_upright(self, image: U8) -> U8:
        """Turn an image upright.

        Parameters
        ----------
        image : (H, W, 3)

        Returns
        -------
        image : (H, W, 3) or (W, H, 3)
            The same array where there is nothing to turn.
        """
        if self.clockwise_deg == 0:
            return image
        turn = {
            90: cv2.ROTATE_90_CLOCKWISE,
            180: cv2.ROTATE_180,
            270: cv2.ROTATE_90_COUNTERCLOCKWISE,
        }
        return np.asarray(cv2.rotate(image, turn[self.clockwise_deg]), np.uint8)


def orientation_from_matrix(raw: bytes) -> Orientation:
    """Read a display matrix.

    Parameters
    ----------
    raw
        Nine 32-bit integers (a, b, u, c, d, v, x, y, w) of ISO 14496-12: ``x' = a x + c y``, ``y' =
        b x + d y``, y downwards.

    Returns
    -------
    orientation
        The nearest quarter turn; its mirror, if any, is reported and removed.
    """
    a, b, _, c, d = np.frombuffer(raw, np.int32, 5).astype(float)
    turned = abs(a) + abs(d) < abs(b) + abs(c)
    flip_x, flip_y = (c < 0, b < 0) if turned else (a < 0, d < 0)
    # a quarter turn flips one axis, a half turn both or none
    mirrored = turned == (flip_x == flip_y)
    flip_x = flip_x != mirrored
    return Orientation(
        (90 if flip_x else 270) if turned else (180 if flip_x else 0), bool(mirrored)
    )
