"""What the program remembers survives, and a damaged file never keeps it from starting."""

import stat

import pytest

from app.settings import Settings, load_settings, parse_settings, save_settings

REMEMBERED = Settings(
    cameras=("usb:0", "rtsp://me:secret@door/1"),
    stature_m=1.78,
    person="Anna",
    rig="/a/rig.toml",
    countdown_s=5,
    hands_free=True,
    window=(0, 0, 1280, 720),
    controls={"desk 1280x720@30 mjpeg": {"exposure_us": 8000.0}},
)


def test_settings_come_back_as_they_were_saved(tmp_path):
    path = tmp_path / "folder" / "settings.toml"
    save_settings(REMEMBERED, path)
    assert load_settings(path) == (REMEMBERED, "")


def test_only_the_owner_may_read_them(tmp_path):
    path = tmp_path / "settings.toml"
    save_settings(REMEMBERED, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_file_there_are_the_usual_ones(tmp_path):
    assert load_settings(tmp_path / "none.toml") == (Settings(), "")


@pytest.mark.parametrize(
    "text", ["cameras = [", "stature_m = 17", "countdwn_s = 3", "window = [1]", "hands_free = 1"]
)
def test_a_file_that_cannot_be_used_is_put_aside_and_said(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    settings, sentence = load_settings(path)
    assert settings == Settings()
    assert "settings.old.toml" in sentence
    assert (tmp_path / "settings.old.toml").read_text() == text


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="countdown_s"):
        parse_settings({"countdwn_s": 3})
