"""True estimates and the evidence for them, for tests of the solvers."""

from dataclasses import replace
from functools import partial

import numpy as np

from calibration.evidence.evidence import Evidence, gather_evidence
from calibration.evidence.noise import estimate_sigma_px
from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera, Rig
from calibration.solve.residuals import Estimate
from calibration.synthetic.synthetic import (
    NoiseConfig,
    RigPlan,
    find_room_middle,
    make_rig,
    observe,
)
from calibration.synthetic.walker import Walker, walk_room


def make_evidence_and_truth(
    *, cameras: int, framesets: int, noise_px: float = 0.0, seed: int = 0
) -> tuple[Evidence, Estimate]:
    """See a walker through a rig, with independent noise, and say what the solvers should find.

    The framesets are spread over 20 s, so the velocities are taken from a finer track.
    """
    rig = make_rig(RigPlan(cameras=cameras), seed)
    walker = partial(walk_room, Walker(1.75, find_room_middle(rig)))
    fine_ns = np.arange(400, dtype=np.int64) * 50_000_000
    seen = observe(rig, walker, fine_ns, NoiseConfig(), seed=seed)
    rows = np.linspace(3, 396, framesets).astype(int)
    principal = np.array([camera.principal_px for camera in rig])
    common = seen.observations
    evidence = gather_evidence(common, estimate_sigma_px(common, 0.5), principal, rows)
    noise = np.random.default_rng(seed).normal(0, 1, evidence.xy.shape) * noise_px
    seen_at_all = np.isfinite(evidence.sigma)[..., None]
    # the walker's proportions are not those that the solvers expect of people
    unknown = np.full(evidence.length_count, np.inf)
    noisy = replace(
        evidence,
        xy=np.where(seen_at_all, evidence.xy + noise, 0.0),
        proportion_sigma=unknown,
    )
    xyz = seen.xyz[rows][:, common.skeleton.indices(evidence.joints)]
    xyz = np.where((np.isfinite(evidence.sigma).sum(0) >= 2)[..., None], xyz, np.nan)
    return noisy, estimate_from_rig(rig, evidence, xyz)


def estimate_from_rig(rig: Rig, evidence: Evidence, xyz: F64) -> Estimate:
    """Describe a rig and its points as the solvers do."""
    ends = np.linalg.norm(xyz[:, evidence.bones[:, 0]] - xyz[:, evidence.bones[:, 1]], axis=-1)
    lengths = [
        np.nanmedian(ends[:, evidence.length_index == kind])
        for kind in range(evidence.length_count)
    ]
    return Estimate(
        rotation=np.array([camera.R for camera in rig]),
        translation=np.array([camera.t for camera in rig]),
        focal=np.array([camera.focal_px for camera in rig]),
        k1=np.array([camera.distortion[0] for camera in rig]),
        k2=np.array([camera.distortion[1] for camera in rig]),
        offset_s=np.zeros(len(rig)),
        log_length=np.log(lengths),
        xyz=xyz,
    )


def cameras_from_estimate(evidence: Evidence, estimate: Estimate) -> list[Camera]:
    """Describe the estimate's views as cameras."""
    cameras = []
    for v, focal in enumerate(estimate.focal):
        matrix = np.diag([focal, focal, 1.0])
        matrix[:2, 2] = evidence.principal[v]
        distortion = np.array([estimate.k1[v], estimate.k2[v], 0, 0, 0])
        pose = rigid_transform(estimate.rotation[v], estimate.translation[v])
        cameras.append(Camera(f"{v}", (1280, 720), matrix, distortion, pose))
    return cameras
