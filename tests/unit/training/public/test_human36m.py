"""Human3.6M in its published layout: its joints, its cameras, and damaged files."""

import contextlib
import struct
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from training.data.samples import MARGIN, join
from training.errors import DatasetError
from training.public.cdf import read_variable
from training.public.clips import ImageSelection
from training.public.human36m import JOINTS, read_cameras, read_human36m

NAMES = ("54138969", "55011271", "58860488", "60457274")
SIZE_WH = (100, 96)
FRAMES = 7
CHOICE = ImageSelection(every=2, stored_px=48)
# Angles (rad) and place (mm): the first looks along the room's y, the second is a quarter turn
# further round.
FIRST, SECOND = (
    (np.pi / 2, 0.0, 0.0, 0.0, -4000.0, 1000.0),
    (np.pi / 2, 0.0, np.pi / 2, -4000.0, 0.0, 1000.0),
)
LENS = (110.0, 112.0, 50.0, 48.0, -0.2, 0.24, -0.002, -0.0009, -0.0014)


def metadata(outside_of_s1):
    """Write the numbers of four cameras for eleven people, those of S1 as given."""
    numbers = []
    for outside in outside_of_s1:
        numbers += [*outside, *(10 * [0.0] * 6)]
    numbers += 4 * list(LENS)
    ids = "".join(f"<camera>{name}</camera>" for name in NAMES)
    text = " ".join(f"{number:.9g}" for number in numbers)
    return (
        f"<metadata><dbcameras><index2id>{ids}</index2id></dbcameras><w0>[{text}]</w0></metadata>"
    )


def cdf(values, kind=44, *, gzip=False):
    """Lay out a variable 'Pose' of one record as the format's description says."""
    numbers = values.astype("<f4").tobytes()
    cdr = struct.pack(">qiqiiiiiiiii", 312, 1, 320, 3, 9, 6, 3, 0, 0, 0, 2, -1).ljust(312, b"\0")
    at, shape = 320 + 84, values.shape[1:]
    gdr = struct.pack(">qiqqqqiiiiiqiii", 84, 2, 0, at, 0, 0, 0, 0, 0, 0, 1, 0, 0, -1, -1)
    vdr_size = 344 + 8 * len(shape)
    index, parameters = at + vdr_size, 0
    block = index + 28 + 16
    vdr = struct.pack(">qiqiiqqiiiiiiiqi", vdr_size, 8, 0, kind, 0, index, index,
                      5 if gzip else 1, 0, 0, -1, -1, 1, 0,
                      block if gzip else -1, 0)  # fmt: skip
    vdr += (
        b"Pose".ljust(256, b"\0")
        + struct.pack(f">i{len(shape)}i", len(shape), *shape)
        + b"\xff" * 4 * len(shape)
    )
    if gzip:
        parameters = struct.pack(">qiiiii", 28, 11, 5, 0, 1, 6)
        packed = zlib.compressobj(6, zlib.DEFLATED, 31)
        packed = packed.compress(numbers) + packed.flush()
        values_at = block + len(parameters)
        held = parameters + struct.pack(">qiiq", 24 + len(packed), 13, 0, len(packed)) + packed
    else:
        values_at, held = block, struct.pack(">qi", 12 + len(numbers), 7) + numbers
    vxr = struct.pack(">qiqiiiiq", 44, 6, 0, 1, 1, 0, 0, values_at)
    return b"\xcd\xf3\x00\x01\x00\x00\xff\xff" + cdr + gdr + vdr + vxr + held


def room_mm():
    """Stand a person at the origin: each of 32 joints a little further along x and z."""
    places = np.arange(32)[:, None] * [6.0, 2.0, 20.0] + [0.0, 0.0, 700.0]
    return np.stack([places + np.array([0.0, 3.0 * frame, 0.0]) for frame in range(FRAMES)])


def video(path, frames=FRAMES, size_wh=SIZE_WH):
    """Write a video whose images grow lighter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 50, size_wh)
    for frame in range(frames):
        writer.write(np.full((size_wh[1], size_wh[0], 3), 40 + 20 * frame, np.uint8))
    writer.release()


@pytest.fixture
def folder(tmp_path):
    """A set of one person, one take and two cameras."""
    poses = tmp_path / "S1" / "MyPoseFeatures" / "D3_Positions"
    poses.mkdir(parents=True)
    (poses / "Walking 1.cdf").write_bytes(cdf(room_mm().reshape(1, FRAMES, 96)))
    (tmp_path / "metadata.xml").write_text(metadata((FIRST, SECOND, FIRST, FIRST)))
    for name in NAMES[:2]:
        video(tmp_path / "S1" / "Videos" / f"Walking 1.{name}.mp4")
    return tmp_path


def test_joints_are_metres_in_the_camera_that_took_the_image(folder):
    samples = join(list(read_human36m(folder, CHOICE)))
    pelvis = samples.xyz[:, samples.skeleton.index("pelvis")]
    first = samples.camera == 0
    # The first camera looks along y, x to its right and z up: y - (-4 m) is the depth.
    np.testing.assert_allclose(pelvis[first][0], [0.0, 0.3, 4.0], atol=1e-5)
    # The second stands at -x and looks along x: the room's y is to its left.
    np.testing.assert_allclose(pelvis[~first][1], [-0.006, 0.3, 4.0], atol=1e-5)
    assert (samples.weight == 1).all()


def test_every_joint_is_the_one_that_its_name_says(folder):
    samples = next(read_human36m(folder, CHOICE))
    for place, joint in enumerate(load_skeleton("h36m_17").joints):
        assert samples.xyz[0, place, 0] == pytest.approx(0.006 * JOINTS[joint], abs=1e-6), joint
    assert {
        joint: JOINTS[joint] for joint in ("right_knee", "left_knee", "left_wrist", "right_wrist")
    } == {
        "right_knee": 2,
        "left_knee": 7,
        "left_wrist": 19,
        "right_wrist": 27,
    }


def test_joints_in_the_image_are_projected_through_the_published_lens(folder):
    samples = next(read_human36m(folder, CHOICE))
    camera = samples.cameras[0]
    np.testing.assert_allclose(camera.distortion, [-0.2, 0.24, -0.0009, -0.0014, -0.002])
    wanted, _ = cv2.projectPoints(
        samples.xyz[0].astype(float), np.zeros(3), np.zeros(3), camera.matrix, camera.distortion
    )
    np.testing.assert_allclose(samples.xy[0], wanted[:, 0], atol=1e-3)


def test_views_of_one_instant_share_their_frameset_and_no_other(folder):
    samples, other = read_human36m(folder, CHOICE)
    assert list(samples.frameset) == list(other.frameset)
    assert len(set(samples.frameset)) == 4
    assert list(samples.time_ns) == [0, 40_000_000, 80_000_000, 120_000_000]
    assert (samples.persons, samples.clips, samples.actions) == (
        ("S1",),
        ("S1 Walking 1",),
        ("Walking",),
    )


def test_crops_are_of_the_chosen_images_and_as_wide_as_the_room_they_show(folder):
    samples = next(read_human36m(folder, CHOICE))
    middles = samples.image[:, 24, 24, 0].astype(int)
    assert np.abs(middles - [40, 80, 120, 160]).max() < 8
    assert samples.region[0, 2] == pytest.approx(2 * 110 / 4)
    assert samples.image.shape[1:] == (48, 48, 3)
    assert MARGIN * samples.region[0, 2] < SIZE_WH[0]


def test_no_more_samples_than_wanted_are_spread_over_all_takes_and_views(folder):
    samples = join(list(read_human36m(folder, replace(CHOICE, every=1, max_samples=6))))
    assert len(samples) == 6
    np.testing.assert_array_equal(np.bincount(samples.camera), [3, 3])
    np.testing.assert_array_equal(np.unique(samples.time_ns), np.array([0, 3, 6]) * 20_000_000)


def test_people_who_are_not_asked_for_are_left_out(folder):
    with pytest.raises(DatasetError, match="none of the selected people; there are S1"):
        next(read_human36m(folder, ImageSelection(people=("S9",))))


def test_a_missing_view_is_left_out(folder):
    (folder / "S1" / "Videos" / f"Walking 1.{NAMES[0]}.mp4").unlink()
    assert [part.cameras[0].name for part in read_human36m(folder, CHOICE)] == [NAMES[1]]


def test_a_video_that_is_cut_short_is_one_sentence(folder):
    video(folder / "S1" / "Videos" / f"Walking 1.{NAMES[0]}.mp4", frames=3)
    with pytest.raises(DatasetError, match="has 3 images, but the set has joints for 7"):
        list(read_human36m(folder, CHOICE))


def test_poses_of_one_camera_in_place_of_the_rooms_are_refused(folder):
    poses = folder / "S1" / "MyPoseFeatures" / "D3_Positions" / "Walking 1.cdf"
    poses.write_bytes(cdf((room_mm() + np.array([0, -9000, 0])).reshape(1, FRAMES, 96)))
    with pytest.raises(DatasetError, match="sees the person in 0 %"):
        list(read_human36m(folder, CHOICE))


@pytest.mark.parametrize(
    ("lose", "said"),
    [
        ("metadata.xml", "no 'metadata.xml'"),
        ("S1/MyPoseFeatures/D3_Positions/Walking 1.cdf", "holds no pose"),
    ],
)
def test_a_missing_file_is_one_sentence(folder, lose, said):
    (folder / lose).unlink()
    with pytest.raises(DatasetError, match=said):
        list(read_human36m(folder, CHOICE))


def test_no_set_at_all_is_one_sentence(tmp_path):
    with pytest.raises(DatasetError, match="There is no folder"):
        list(read_human36m(tmp_path / "none", CHOICE))


@pytest.mark.parametrize(
    "content", ["", "<metadata>", "<metadata><w0>[1 2 x]</w0></metadata>", "<metadata></metadata>"]
)
def test_damaged_metadata_is_one_sentence(tmp_path, content):
    (tmp_path / "metadata.xml").write_text(content)
    with pytest.raises(DatasetError, match=r"metadata\.xml"):
        read_cameras(tmp_path / "metadata.xml")


def test_gzipped_numbers_are_those_that_were_packed(tmp_path):
    values = room_mm().reshape(1, FRAMES, 96)
    (tmp_path / "pose.cdf").write_bytes(cdf(values, gzip=True))
    np.testing.assert_array_equal(
        read_variable(tmp_path / "pose.cdf", "Pose"), values.astype(np.float32)
    )


@pytest.mark.parametrize("length", [4, 9, 200, 330, 500, 780, 820, 900])
@pytest.mark.parametrize("gzip", [False, True])
def test_a_file_of_poses_that_is_cut_short_is_one_sentence(tmp_path, length, gzip):
    (tmp_path / "pose.cdf").write_bytes(cdf(room_mm().reshape(1, FRAMES, 96), gzip=gzip)[:length])
    with pytest.raises(DatasetError, match=r"pose\.cdf"):
        read_variable(tmp_path / "pose.cdf", "Pose")


def test_whatever_byte_is_flipped_the_file_is_read_or_refused_in_one_sentence(tmp_path):
    whole = cdf(room_mm().reshape(1, FRAMES, 96), gzip=True)
    rng = np.random.default_rng(5)
    for at in rng.integers(0, 860, 200):
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << int(rng.integers(8))
        (tmp_path / "pose.cdf").write_bytes(spoilt)
        with contextlib.suppress(DatasetError):  # anything else is a fault of ours
            read_variable(tmp_path / "pose.cdf", "Pose")


def test_an_older_version_of_the_format_is_named(tmp_path):
    (tmp_path / "pose.cdf").write_bytes(b"\xcd\xf2\x60\x02\x00\x00\xff\xff" + bytes(100))
    with pytest.raises(DatasetError, match="no CDF file of version 3"):
        read_variable(tmp_path / "pose.cdf", "Pose")
