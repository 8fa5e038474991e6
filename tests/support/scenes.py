"""Small made-up scenes for tests of what a person sees: a rig, a walker and their images."""

import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.geometry.transforms import rigid_transform
from calibration.judge.report import BoneReport, CalibrationReport, CameraReport
from calibration.rig import Camera, Rig
from calibration.skeleton import Skeleton, load_skeleton
from engine.frames import Frame, FrameSet
from engine.poses import Pose2D, Pose3D, PoseSet2D, PoseSet3D, all_measured

FRAME_NS = 33_333_333


def make_square_rig(
    count: int = 4, radius_m: float = 2.6, size_wh: tuple[int, int] = (640, 480)
) -> Rig:
    """Put cameras on a circle, all looking at the middle of the room."""
    cameras = []
    for index in range(count):
        angle = 2 * np.pi * index / count
        centre = np.array([radius_m * np.cos(angle), radius_m * np.sin(angle), 1.7])
        forward = np.array([0, 0, 0.95]) - centre
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        K = np.array(
            [
                [530.0 + 20 * index, 0, size_wh[0] / 2],
                [0, 530.0 + 20 * index, size_wh[1] / 2],
                [0, 0, 1],
            ]
        )
        cameras.append(
            Camera(f"cam_{index}", size_wh, K, np.zeros(5), rigid_transform(R, -R @ centre))
        )
    return Rig(tuple(cameras))


def pose_walker(time_s: float) -> F64:
    """Pose a person of 1.75 m who walks a circle, (33, 3), m."""
    swing, turn = 0.45 * np.sin(2 * np.pi * time_s), 0.5 * time_s
    sides = {"left": 1.0, "right": -1.0}
    joints = {
        "nose": (0.12, 0, 1.62),
        "mouth_left": (0.11, 0.03, 1.57),
        "mouth_right": (0.11, -0.03, 1.57),
    }
    for side, sign in sides.items():
        leg, arm = sign * swing, -sign * swing
        for eye, y in (("eye_inner", 0.02), ("eye", 0.035), ("eye_outer", 0.05)):
            joints[f"{side}_{eye}"] = (0.1, sign * y, 1.66)
        joints[f"{side}_ear"] = (0.02, sign * 0.08, 1.64)
        joints[f"{side}_shoulder"] = (0, sign * 0.19, 1.44)
        joints[f"{side}_elbow"] = (0.28 * np.sin(arm), sign * 0.24, 1.44 - 0.28 * np.cos(arm))
        wrist = (
            0.28 * np.sin(arm) + 0.26 * np.sin(arm + 0.4),
            sign * 0.25,
            1.16 - 0.26 * np.cos(arm + 0.4),
        )
        joints[f"{side}_wrist"] = wrist
        for finger, ahead in (("pinky", -0.02), ("index", 0.02), ("thumb", 0.04)):
            joints[f"{side}_{finger}"] = (wrist[0] + ahead, wrist[1], wrist[2] - 0.08)
        joints[f"{side}_hip"] = (0, sign * 0.1, 0.9)
        knee = (0.42 * np.sin(leg), sign * 0.11, 0.9 - 0.42 * np.cos(leg))
        joints[f"{side}_knee"] = knee
        ankle = (
            knee[0] + 0.4 * np.sin(leg - 0.3),
            sign * 0.11,
            max(knee[2] - 0.4 * np.cos(leg - 0.3), 0.07),
        )
        joints[f"{side}_ankle"] = ankle
        joints[f"{side}_heel"] = (ankle[0] - 0.05, ankle[1], max(ankle[2] - 0.06, 0.02))
        joints[f"{side}_foot_index"] = (ankle[0] + 0.16, ankle[1], max(ankle[2] - 0.05, 0.02))
    xyz = np.array([joints[name] for name in load_skeleton("blazepose_33").joints])
    heading = turn + np.pi / 2
    R = np.array(
        [[np.cos(heading), -np.sin(heading), 0], [np.sin(heading), np.cos(heading), 0], [0, 0, 1]]
    )
    return xyz @ R.T + [0.8 * np.cos(turn), 0.8 * np.sin(turn), 0]


def load_walker_skeleton() -> Skeleton:
    """Name the joints of `pose_walker`."""
    return load_skeleton("blazepose_33")


def make_poses_3d(index: int) -> PoseSet3D:
    """Pose the walker at a frameset; confidence differs by joint, the left pinky is missing."""
    xyz = pose_walker(index * FRAME_NS / 1e9)
    confidence = np.linspace(1.0, 0.35, len(xyz))
    xyz[load_walker_skeleton().index("left_pinky")] = np.nan
    confidence[load_walker_skeleton().index("left_pinky")] = 0
    covariance = np.broadcast_to(np.eye(3) * 1e-4, (len(xyz), 3, 3)).copy()
    person = Pose3D(0, xyz, confidence, covariance, np.full(len(xyz), 3), all_measured(len(xyz)))
    return PoseSet3D(index, index * FRAME_NS, (person,))


def make_poses_2d(rig: Rig, index: int) -> PoseSet2D:
    """See the walker through a rig without distortion."""
    person = make_poses_3d(index).people[0]
    views = []
    for camera in rig:
        local = person.xyz @ camera.R.T + camera.t
        pixels = local @ camera.matrix.T
        views.append((Pose2D(0, pixels[:, :2] / pixels[:, 2:], person.confidence),))
    time_ns = index * FRAME_NS
    return PoseSet2D(index, time_ns, tuple(views), (time_ns,) * len(rig))


def make_frames(rig: Rig, index: int) -> FrameSet:
    """Take dull images: a wall above a floor."""
    time_ns = index * FRAME_NS
    images = [Frame(camera.name, index, time_ns, _draw_wall(camera.size_wh)) for camera in rig]
    return FrameSet(index, time_ns, tuple(images))


def make_report(rig: Rig, verdict: str = "accepted") -> CalibrationReport:
    """Judge a rig as a calibration would."""
    cameras = tuple(
        CameraReport(
            camera.name,
            0.21 + 0.06 * i,
            0.012 + 0.004 * i,
            0.6 + 0.2 * i,
            2.1 + 0.3 * i,
            0.71,
            8000,
        )
        for i, camera in enumerate(rig)
    )
    bones = tuple(
        BoneReport(f"{a}-{b}", 0.3 + 0.01 * i, 1.5 + 0.3 * i)
        for i, (a, b) in enumerate(load_walker_skeleton().bones)
    )
    offsets = {camera.name: 1.7 * i for i, camera in enumerate(rig)}
    reasons = ("All four cameras see the person move through the whole room.",)
    return CalibrationReport(
        verdict, reasons, cameras, offsets, "stature", 1.4, 2.4, 1.75, 26.5, bones
    )


def _draw_wall(size_wh: tuple[int, int]) -> U8:
    """Paint a wall above a floor, (H, W, 3)."""
    width, height = size_wh
    image = np.empty((height, width, 3), np.uint8)
    image[: height * 3 // 5] = (168, 160, 150)
    image[height * 3 // 5 :] = (96, 110, 128)
    image[:, :, 1] += np.linspace(0, 20, width).astype(np.uint8)
    image.setflags(write=False)
    return image
