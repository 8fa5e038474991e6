"""What a person types to name a camera, without its secrets."""

import pytest

from engine.address import strip_credentials

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://user:s3cret@door/1", "rtsp://door/1"),
        ("rtsp://s3cret@door/1", "rtsp://door/1"),
        ("rtsp://user:s3@cret@door:554/1", "rtsp://door:554/1"),
        ("rtsp://user:s3/cret@door/1", "rtsp://door/1"),
        ("http://user:s3?cre#t@door/1", "http://door/1"),
        ("rtsp://user:my s3cret@door/1", "rtsp://door/1"),
        ("http://door/v?user=me&pwd=s3cret", "http://door/v?user=***&pwd=***"),
        (
            "http://door/v?channel=1&password=s3cret&size=2",
            "http://door/v?channel=1&password=***&size=2",
        ),
        ("http://door/v?loginuse=me&loginpas=s3cret", "http://door/v?loginuse=***&loginpas=***"),
        ("http://door/v?Token=s3cret", "http://door/v?Token=***"),
        (
            "http://door/v?access_token=s3cret;api_key=s3cret",
            "http://door/v?access_token=***;api_key=***",
        ),
        (
            "rtsp://door:554/user=admin_password=s3cret_channel=1_stream=0.sdp",
            "rtsp://door:554/user=***_password=***_channel=1_stream=0.sdp",
        ),
        (
            "see rtsp://a:s3cret@one/1 and http://b:s3cret@two/?auth=s3cret",
            "see rtsp://one/1 and http://two/?auth=***",
        ),
    ],
)
def test_no_part_of_a_login_is_shown(address: str, shown: str):
    assert strip_credentials(address) == shown
    assert SECRET not in strip_credentials(address)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://door:554/stream@2",
        "http://[fe80::1]:8080/video?camera=1&monkey=2",
        "usb:0",
        "rtsp://door:554/1 is silent, tell user@home",
        "studio:walk?seed=1",
        "/videos/pass=1/user@home.mp4",
    ],
)
def test_what_is_no_login_stays(address: str):
    assert strip_credentials(address) == address
