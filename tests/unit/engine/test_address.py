"""What a person types to name a camera, without its secrets."""

import pytest

from engine.address import AddressKind, parse_address, strip_credentials
from engine.errors import CameraNotFoundError

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


@pytest.mark.parametrize(
    ("text", "kind", "opener"),
    [
        ("usb:0", AddressKind.LIVE, "engine.capture.usb.address:open_usb"),
        ("RTSP://door/1", AddressKind.LIVE, "engine.capture.network.address:open_network"),
        ("studio:walk?seed=1", AddressKind.STUDIO, "engine.capture.studio:open_studio"),
        ("a/b.mp4", AddressKind.VIDEO, ""),
        ("C:\\a.mp4", AddressKind.VIDEO, ""),
    ],
)
def test_an_address_says_what_it_names_and_what_opens_it(text, kind, opener):
    address = parse_address(text)
    assert (address.text, address.kind, address.opener) == (text, kind, opener)


def test_a_folder_with_a_manifest_is_a_session(tmp_path):
    assert parse_address(tmp_path).kind is AddressKind.VIDEO
    (tmp_path / "session.toml").touch()
    assert parse_address(tmp_path).kind is AddressKind.SESSION


def test_every_opener_can_be_loaded():
    assert all(
        callable(parse_address(one).load_opener()) for one in ("usb:0", "http://a", "studio:")
    )


def test_a_kind_of_address_that_does_not_exist_is_refused_without_its_password():
    with pytest.raises(CameraNotFoundError, match="is not a camera address") as caught:
        parse_address("ndi://me:s3cret@studio/1")
    assert SECRET not in str(caught.value)
