"""Logins of HTTP, by the examples of their standards."""

import pytest

from engine.capture.network.login import Login

NONCE, OWN = (
    "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
)
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, '
    f'nonce="{NONCE}", opaque="FQh/qe"'
)


@pytest.fixture(autouse=True)
def fixed_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.capture.network.login.secrets.token_hex", lambda count: OWN)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_answers_as_the_standard_does(algorithm: str, response: str):
    header = Login([RFC_7616 % algorithm], "Mufasa", "Circle of Life").build_header(
        "GET", "/dir/index.html"
    )
    assert f'response="{response}"' in header
    assert f"algorithm={algorithm}" in header
    assert 'opaque="FQh/qe"' in header
    assert "nc=00000001" in header


def test_the_oldest_digest_needs_neither_algorithm_nor_quality():
    login = Login(
        ['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'],
        "Mufasa",
        "x",
    )
    header = login.build_header("GET", "/dir/index.html")
    assert "qop" not in header
    assert "nc=" not in header


def test_the_count_rises_with_every_request():
    login = Login([RFC_7616 % "MD5"], "Mufasa", "Circle of Life")
    login.build_header("GET", "/")
    assert "nc=00000002" in login.build_header("GET", "/")


def test_basic_is_used_where_nothing_better_is_offered():
    assert Login(['Basic realm="x"'], "Aladdin", "open sesame").build_header("GET", "/") == (
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )
    assert (
        Login(['Basic realm="x"', RFC_7616 % "MD5"], "a", "b")
        .build_header("GET", "/")
        .startswith("Digest ")
    )
    assert (
        Login([RFC_7616 % "SHA-512-256", "basic"], "a", "b")
        .build_header("GET", "/")
        .startswith("Basic ")
    )


@pytest.mark.parametrize(
    "challenges", [[], ["Negotiate"], [RFC_7616 % "SHA-512-256"], ["Digest"]], ids=str
)
def test_an_unknown_kind_of_login_is_refused(challenges: list[str]):
    with pytest.raises(ValueError, match="Basic nor Digest"):
        Login(challenges, "a", "b")
