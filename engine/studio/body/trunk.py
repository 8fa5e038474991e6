"""Trunk: torso, arms, legs and shoes of one person in clothes, joined from lofts along the bones.

The tables give, for a person of 1.75 m, stations along an axis: position, shift backwards, half
width, half depth, all in metres. They were drawn by eye from anatomical proportions; no scan was
used.
"""

import numpy as np

from calibration.geometry.arrays import F64
from engine.studio.body.anatomy import FOREARM, SIDES, SIGNS, UPPER_ARM, Anatomy
from engine.studio.body.appearance import Appearance
from engine.studio.body.materials import Material, PaintedPart, cut_along_all, paint_surface
from engine.studio.body.surface import Field, build_surface
from engine.studio.fields import capsule, loft, smooth_union

CELL_M = 0.022

_TORSO = np.array(
    [
        [0.865, 0.012, 0.090, 0.060],
        [0.890, 0.014, 0.150, 0.105],
        [0.920, 0.015, 0.166, 0.116],
        [0.970, 0.012, 0.166, 0.114],
        [1.030, 0.006, 0.152, 0.106],
        [1.100, 0.000, 0.142, 0.100],
        [1.200, 0.004, 0.150, 0.108],
        [1.300, 0.008, 0.163, 0.117],
        [1.370, 0.012, 0.168, 0.108],
        [1.415, 0.014, 0.158, 0.090],
        [1.445, 0.016, 0.122, 0.074],
        [1.466, 0.018, 0.086, 0.066],
        [1.482, 0.018, 0.060, 0.058],
    ]
)
_ARM_LENGTH_OF_TABLE = 0.581
_ELBOW_OF_TABLE = 0.3255
_ARM = np.array(
    [
        [0.0000, 0.0, 0.040, 0.044],
        [0.0500, 0.0, 0.047, 0.050],
        [0.1000, 0.0, 0.048, 0.049],
        [0.1600, 0.0, 0.045, 0.047],
        [0.2200, 0.0, 0.042, 0.044],
        [0.2800, 0.0, 0.037, 0.041],
        [0.3255, 0.0, 0.036, 0.040],
        [0.3700, 0.0, 0.042, 0.043],
        [0.4200, 0.0, 0.040, 0.040],
        [0.5000, 0.0, 0.033, 0.030],
        [0.5700, 0.0, 0.030, 0.023],
        [0.6000, 0.0, 0.029, 0.020],
    ]
)
_LEG = np.array(
    [
        [0.00, 0.005, 0.084, 0.088],
        [0.06, 0.005, 0.084, 0.090],
        [0.15, 0.000, 0.079, 0.086],
        [0.25, -0.004, 0.067, 0.074],
        [0.34, -0.006, 0.057, 0.062],
        [0.42, -0.002, 0.052, 0.056],
        [0.47, 0.004, 0.049, 0.054],
        [0.52, 0.013, 0.053, 0.056],
        [0.60, 0.016, 0.053, 0.056],
        [0.70, 0.008, 0.042, 0.044],
        [0.78, 0.004, 0.035, 0.038],
        [0.82, 0.002, 0.034, 0.038],
        [0.86, 0.000, 0.035, 0.040],
    ]
)
_SHOE = np.array(
    [
        [-0.062, 0.045, 0.030, 0.040],
        [-0.030, 0.052, 0.036, 0.052],
        [0.020, 0.055, 0.037, 0.060],
        [0.070, 0.042, 0.042, 0.047],
        [0.120, 0.032, 0.047, 0.036],
        [0.165, 0.026, 0.043, 0.029],
        [0.195, 0.022, 0.030, 0.022],
    ]
)
_X, _Y, _Z = np.eye(3)
_STEP_M = 0.002
"""Half the length over which a hem's step in radius is made."""


class Trunk:
    """The fields of one person's torso, limbs and shoes."""

    def __init__(self, anatomy: Anatomy, appearance: Appearance) -> None:
        self._anatomy, self._scale = anatomy, anatomy.scale
        self._torso_stations = _build_torso_stations(appearance) * self._scale
        self._sleeve_m = float(_arm_from_table(np.array(appearance.sleeve_m))) * self._scale
        self._trousers_m = appearance.trousers_m * self._scale
        self._hem_m = appearance.hem_m * self._scale
        arm = _ARM.copy()
        arm[:, 0] = _arm_from_table(_ARM[:, 0])
        arm[:, 2:] *= appearance.girth
        leg = _LEG.copy()
        leg[:, 2:] *= appearance.girth
        self._arm_stations = _add_cloth(arm * self._scale, self._sleeve_m, 0.009 * self._scale, 0.0)
        self._leg_stations = _add_cloth(
            leg * self._scale, self._trousers_m, 0.006 * self._scale, 0.012 * self._scale
        )
        self._arm_frames = [
            self._build_limb_frame(f"{side}_shoulder", f"{side}_elbow") for side in SIDES
        ]
        self._leg_frames = [self._build_limb_frame(f"{side}_hip", f"{side}_knee") for side in SIDES]

    def field(self, points: F64) -> F64:
        """Return the distance to the whole trunk, (N,), m."""
        pieces = self.pieces(points)
        body = pieces[:, 0]
        for arm in (1, 2):
            body = smooth_union(body, pieces[:, arm], 0.045 * self._scale)
        body = smooth_union(body, pieces[:, 3:5].min(1), 0.02 * self._scale)
        return np.minimum(body, pieces[:, 5:].min(1))

    def pieces(self, points: F64) -> F64:
        """Return the distances to torso, arms, legs and shoes (left first), (N, 7), m."""
        fields = [self._torso(points)]
        fields += [loft(points, frame, self._arm_stations) for frame in self._arm_frames]
        fields += [loft(points, frame, self._leg_stations) for frame in self._leg_frames]
        fields += [self._shoe(points, side) for side in SIDES]
        return np.stack(fields, 1)

    def borders(self) -> list[Field]:
        """Return fields that are 0 at sleeves, hem, trouser hems, shoe tops, collar, soles."""
        return [
            self._below_sleeve,
            self._below_shirt,
            self._below_trousers,
            self._in_shoe,
            self._above_collar,
            self._in_sole,
        ]

    def _torso(self, points: F64) -> F64:
        """Loft the torso and lay the shoulders on it."""
        body = loft(points, np.stack([np.zeros(3), _Z, _X, _Y]), self._torso_stations, 2.35)
        for sign in SIGNS:
            ends = (
                np.array([[sign * 0.035, 0.022, 1.452], [sign * 0.158, 0.012, 1.414]]) * self._scale
            )
            body = smooth_union(
                body,
                capsule(points, ends, (0.046 * self._scale, 0.044 * self._scale)),
                0.02 * self._scale,
            )
        return body

    def _shoe(self, points: F64, side: str) -> F64:
        """Loft a shoe with a flat sole round a foot."""
        scale, ankle = self._scale, self._anatomy.joint(f"{side}_ankle")
        shoe = loft(points, np.stack([ankle * [1, 1, 0], -_Y, _X, _Z]), _SHOE * scale, 2.3)
        ends = ankle + np.array([[0.0, 0.01, -0.015], [0.0, 0.0, -0.03]]) * scale
        shoe = smooth_union(shoe, capsule(points, ends, (0.040 * scale, 0.042 * scale)), 0.02)
        return np.maximum(shoe, 0.002 - points[:, 2])

    def _build_limb_frame(self, start: str, end: str) -> F64:
        """Return origin, along, across and deep of a limb, (4, 3)."""
        along = self._anatomy.direction(start, end)
        return np.stack([self._anatomy.joint(start), along, np.cross(_Y, along), _Y])

    def _below_sleeve(self, points: F64) -> F64:
        """Return a field, positive on bare arms."""
        nearest = self.pieces(points)[:, :5].argmin(1)
        field = np.full(len(points), -0.1)
        for piece, frame in zip((1, 2), self._arm_frames):
            on_arm = nearest == piece
            field[on_arm] = (points[on_arm] - frame[0]) @ frame[1] - self._sleeve_m
        return field

    def _below_shirt(self, points: F64) -> F64:
        """Return a field, positive below the shirt, but not on the arms."""
        nearest = self.pieces(points).argmin(1)
        return np.where((nearest == 1) | (nearest == 2), -0.1, self._hem_m - points[:, 2])

    def _below_trousers(self, points: F64) -> F64:
        """Return a field, positive below the hem of the trousers."""
        left, right = (((points - frame[0]) @ frame[1]) for frame in self._leg_frames)
        return np.where(points[:, 0] > 0, left, right) - self._trousers_m

    def _in_shoe(self, points: F64) -> F64:
        """Return a field, positive where the shoe is nearer than the leg."""
        pieces = self.pieces(points)
        return pieces[:, 3:5].min(1) - pieces[:, 5:].min(1)

    def _above_collar(self, points: F64) -> F64:
        """Return a field, positive on the throat and the nape."""
        scale = self._scale
        round_neck = 0.078 * scale - np.hypot(points[:, 0], points[:, 1] - 0.02 * scale)
        height = (1.466 + 0.12 * np.minimum(0, points[:, 1] / scale + 0.01)) * scale
        on_torso = self.pieces(points).argmin(1) == 0
        return np.where(on_torso, np.minimum(round_neck, points[:, 2] - height), -0.1)

    def _in_sole(self, points: F64) -> F64:
        """Return a field, positive on the soles of the shoes."""
        return np.where(points[:, 2] < 0.05 * self._scale, 0.022 * self._scale - points[:, 2], -0.1)


def build_trunk(anatomy: Anatomy, appearance: Appearance) -> PaintedPart:
    """Make the body below the neck, but for the hands."""
    trunk, scale = Trunk(anatomy, appearance), anatomy.scale
    low = np.array([-0.75, -0.30, -0.03]) * scale
    high = np.array([0.75, 0.24, 1.56]) * scale
    surface = build_surface(trunk.field, low, high, CELL_M)
    surface, (bare_arm, below_shirt, bare_leg, shoe, throat, sole) = cut_along_all(
        surface, trunk.borders()
    )
    middles = surface.vertices[surface.triangles].mean(1)
    leg = trunk.pieces(middles).argmin(1) >= 3
    material = np.full(len(middles), Material.SHIRT, np.int64)
    material[below_shirt] = Material.TROUSERS
    material[bare_arm | (leg & below_shirt & bare_leg) | throat] = Material.SKIN
    material[leg & shoe] = Material.SHOE
    material[leg & shoe & sole] = Material.SOLE
    return paint_surface(surface, material, appearance)


def _build_torso_stations(appearance: Appearance) -> F64:
    """Widen the torso by the girth, and by the shirt above its hem."""
    stations = _TORSO.copy()
    waist = np.exp(-(((stations[:, 0] - 1.06) / 0.11) ** 2))
    stations[:, 2:] *= (1 + (appearance.girth - 1) * 0.8 + (appearance.belly - 1) * waist)[:, None]
    hem = appearance.hem_m
    below, above = (
        np.array([np.interp(hem, stations[:, 0], stations[:, i]) for i in range(4)])
        for _ in range(2)
    )
    below[0], above[0] = hem - _STEP_M, hem + _STEP_M
    stations = np.vstack([stations, below, above])
    stations = stations[np.argsort(stations[:, 0])]
    shirt = stations[:, 0] > hem
    stations[shirt, 2:] += 0.007 + 0.005 * np.exp(-(((stations[shirt, 0, None] - hem) / 0.06) ** 2))
    return stations


def _add_cloth(stations: F64, end_m: float, thickness_m: float, flare_m: float) -> F64:
    """Widen a limb by a sleeve or trouser leg that ends with a step, and flares towards its end."""
    at = np.unique(np.r_[stations[:, 0], end_m - _STEP_M, end_m + _STEP_M])
    clothed = np.stack([at, *(np.interp(at, stations[:, 0], stations[:, i]) for i in (1, 2, 3))], 1)
    covered = at < end_m
    length = stations[-1, 0]
    flare = flare_m * np.clip((at[covered] / length - 0.64) / 0.23, 0, 1)
    clothed[covered, 2:] += (thickness_m + flare)[:, None]
    return clothed


def _arm_from_table(table_m: F64) -> F64:
    """Carry positions along the table's arm to the arm of the anatomy, elbow to elbow."""
    upper = UPPER_ARM * 1.75 / _ELBOW_OF_TABLE
    fore = FOREARM * 1.75 / (_ARM_LENGTH_OF_TABLE - _ELBOW_OF_TABLE)
    return np.where(
        table_m < _ELBOW_OF_TABLE,
        table_m * upper,
        _ELBOW_OF_TABLE * upper + (table_m - _ELBOW_OF_TABLE) * fore,
    )
