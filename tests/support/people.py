"""A network that sees scripted people: what an image shows is written in its first pixel."""

import numpy as np

from calibration.skeleton import load_skeleton
from engine.frames import Frame, FrameSet
from engine.inference.pose_model import Detection, Sighting
from engine.inference.preprocess import region_from_points

SKELETON = load_skeleton("blazepose_33")
SHAPE = np.random.default_rng(3).uniform(-0.4, 0.4, (33, 2)) * (
    0.5,
    1.0,
)  # joints around the hips, in reaches


class ScriptedPoseModel:
    """Finds and locates the people that `scenes` lists for the number in an image's first pixel.

    A person is (x, y, reach) in px. `calls` counts the windows and the regions that were looked at.
    """

    name = "scripted"
    skeleton_name = "blazepose_33"

    def __init__(self, scenes):
        self.scenes, self.window_count, self.region_count, self.close_count = scenes, 0, 0, 0

    def people(self, image):
        return self.scenes.get(int(image[0, 0, 0]), [])

    def find(self, images_bgr, windows):
        self.window_count += len(windows)
        found = []
        for image, window in zip(images_bgr, windows):
            half = window.size_wh[0] / 2
            seen = [
                (x, y, reach)
                for x, y, reach in self.people(image)
                if max(abs(x - window.center_xy[0]), abs(y - window.center_xy[1])) < half
                and reach > 0.15 * 2 * half
            ]
            found.append(
                [Detection(np.array([[x, y], [x, y - reach]]), 0.9) for x, y, reach in seen]
            )
        return found

    def region(self, points):
        return region_from_points(points[0], points[1], 1.25)

    def locate(self, images_bgr, regions):
        self.region_count += len(regions)
        sightings = []
        for image, region in zip(images_bgr, regions):
            near = [
                person for person in self.people(image)
                if np.linalg.norm(np.subtract(person[:2], region.center_xy))
                < 0.3 * region.size_wh[0]
            ]  # fmt: skip
            person = min(
                near,
                key=lambda p: np.linalg.norm(np.subtract(p[:2], region.center_xy)),
                default=None,
            )
            sightings.append(NOBODY if person is None else make_sighting(*person))
        return sightings

    def close(self):
        self.close_count += 1


def make_sighting(x, y, reach, score=0.95):
    """What the network says about one person."""
    return Sighting(
        SHAPE * reach + (x, y), np.full(33, 0.9), score, np.array([[x, y], [x, y - reach]], float)
    )


NOBODY = make_sighting(50.0, 50.0, 50.0, score=0.1)


def make_frameset(index, *scenes, size_wh=(640, 480)):
    """A frameset whose views show these scenes; None is a missing image."""
    time_ns = index * 33_000_000
    frames = []
    for view, scene in enumerate(scenes):
        image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
        image[0, 0] = scene or 0
        frames.append(None if scene is None else Frame(f"cam_{view}", index, time_ns + view, image))
    return FrameSet(index, time_ns, tuple(frames))
