import numpy as np
import pytest

from engine.reconstruction.body_size import LIMBS
from training.lifting.detector_errors import build_error_table
from training.lifting.motion_bank import build_bank, simulate_performances
from training.lifting.sightings import Sightings


@pytest.fixture(scope="session")
def bank():
    """Everyday motion alone."""
    motions = list(simulate_performances(3, seed=5))
    return build_bank(motions, studio_share=0.3, studio_performances=2, seed=1)


@pytest.fixture(scope="session")
def exact(bank):
    """People whom the 2D model found exactly, and whose depth it guessed exactly."""
    rng = np.random.default_rng(2)
    poses = bank.xyz[rng.choice(len(bank.xyz), 40)].astype(float)
    level = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    xyz = (poses - poses.mean(1, keepdims=True)) @ level.T + np.array([0.0, 0.0, 4.0])
    rays = xyz[..., :2] / xyz[..., 2:]
    confidence = np.full((40, len(LIMBS)), 0.9)
    up = np.tile([0.0, -1.0, 0.0], (40, 1))
    return Sightings(*(a.astype(np.float32) for a in (rays, confidence, xyz, xyz, up)))


@pytest.fixture(scope="session")
def no_errors(exact):
    return build_error_table(exact)
