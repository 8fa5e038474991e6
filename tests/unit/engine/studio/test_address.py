"""Addresses of the studio: what they mean, and what is said when they mean nothing."""

import pytest

from engine.errors import CameraNotFoundError
from engine.studio.address import StudioConfig, parse_address
from engine.studio.motion.performance import MOTIONS


def test_the_address_of_the_contract_is_understood():
    assert parse_address("studio:walk?cameras=4&seed=1") == StudioConfig(
        motion="walk", cameras=4, seed=1
    )


def test_an_address_may_say_everything():
    config = parse_address(
        "studio:jumping-jacks?cameras=3&seed=9&seconds=4.5&fps=25&size=1280x720&stature=1.62&offset_ms=off&drops=0.1"
        "&noise=off&blur=0&distortion=off&people=2&bystander=on&mirrored=2&short=1&play=4"
    )
    assert config == StudioConfig(
        motion="jumping_jacks",
        cameras=3,
        seed=9,
        seconds=4.5,
        rate_fps=25.0,
        size_wh=(1280, 720),
        stature_m=1.62,
        time_offset_ms=0.0,
        drop_share=0.1,
        noise=0.0,
        blur_px=0.0,
        distortion=False,
        people=2,
        bystander=True,
        mirrored_camera=2,
        short_camera=1,
        play=4,
    )


@pytest.mark.parametrize("address", ["studio:", "studio:?cameras=2"])
def test_without_a_motion_the_programme_is_shown(address: str):
    assert parse_address(address).motion == "programme"


@pytest.mark.parametrize("motion", MOTIONS)
def test_every_motion_has_an_address(motion: str):
    assert parse_address(f"studio:{motion}").motion == motion


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("studio:wlak", "no motion 'wlak'. Did you mean 'walk'?"),
        ("studio:swim", "no motion 'swim'. Known: programme, walk,"),
        ("studio:walk?camera=4", "no option 'camera'. Did you mean 'cameras'?"),
        ("studio:walk?cameras=four", "'four' is no value for 'cameras'; write it like 4."),
        ("studio:walk?size=640", "'640' is no value for 'size'; write it like 640x480."),
        ("studio:walk?bystander=maybe", "'maybe' is no value for 'bystander'; write it like on."),
        ("studio:walk?cameras=9", "cameras must lie between 1 and 8, not be 9."),
        ("studio:walk?stature=17", "stature_m must lie between 1.2 and 2.2, not be 17."),
        ("studio:walk?cameras=2&mirrored=2", "mirrored_camera must lie between 0 and 1, not be 2."),
        ("studio:walk?seconds=nan", "seconds must lie between 0.1 and 3600, not be nan."),
    ],
)
def test_an_address_that_means_nothing_is_refused_in_one_sentence_that_helps(
    address: str, message: str
):
    with pytest.raises(CameraNotFoundError) as refusal:
        parse_address(address)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert refusal.value.camera_id == address
