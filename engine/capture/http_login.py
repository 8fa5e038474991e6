"""Basic and Digest logins of HTTP (RFC 7617, RFC 7616): from a server's challenge to the header that answers it."""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Sequence
from urllib.request import parse_http_list, parse_keqv_list

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Login:
    """Answers a server's challenge, request after request.

    Parameters
    ----------
    challenges
        Values of the `WWW-Authenticate` headers.
    user, password

    Raises
    ------
    ValueError
        If the server asks for a kind of login that is none of these.

    Notes
    -----
    Digest is preferred, since Basic sends the password itself.
    """

    def __init__(self, challenges: Sequence[str], user: str, password: str) -> None:
        self._user, self._password, self._count = user, password, 0
        offers = [
            (kind.lower(), rest) for kind, _, rest in (challenge.strip().partition(" ") for challenge in challenges)
        ]
        self._digest: dict[str, str] | None = None
        for kind, rest in offers:
            if kind == "digest":
                fields = parse_keqv_list([field for field in parse_http_list(rest) if "=" in field])
                asked = {name.lower(): value for name, value in fields.items()}
                if _hash_of(asked) is not None and "nonce" in asked and _plain(asked):
                    self._digest = asked
                    return
        if not any(kind == "basic" for kind, _ in offers):
            raise ValueError("Neither Basic nor Digest is asked for.")

    def header(self, method: str, target: str) -> str:
        """Return the `Authorization` header of the next request.

        Parameters
        ----------
        method
            For instance ``GET``.
        target
            Path and query, as in the request.

        Returns
        -------
        value
        """
        if self._digest is None:
            return "Basic " + b64encode(f"{self._user}:{self._password}".encode()).decode()
        asked = self._digest
        self._count += 1
        count, own_nonce = f"{self._count:08x}", secrets.token_hex(8)
        realm, nonce = asked.get("realm", ""), asked["nonce"]
        secret = _hashed(asked, f"{self._user}:{realm}:{self._password}")
        if asked.get("algorithm", "").lower().endswith("-sess"):
            secret = _hashed(asked, f"{secret}:{nonce}:{own_nonce}")
        request = _hashed(asked, f"{method}:{target}")
        middle = f"{nonce}:{count}:{own_nonce}:auth" if "qop" in asked else nonce
        fields = {
            "username": _quoted(self._user),
            "realm": _quoted(realm),
            "nonce": _quoted(nonce),
            "uri": _quoted(target),
            "response": _quoted(_hashed(asked, f"{secret}:{middle}:{request}")),
        }
        if "algorithm" in asked:
            fields["algorithm"] = asked["algorithm"]
        if "opaque" in asked:
            fields["opaque"] = _quoted(asked["opaque"])
        if "qop" in asked:
            fields |= {"qop": "auth", "nc": count, "cnonce": _quoted(own_nonce)}
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())


def _hash_of(asked: dict[str, str]) -> str | None:
    """Name the hash that a challenge asks for; None if we have none."""
    name = asked.get("algorithm", "MD5").upper().removesuffix("-SESS")
    return name if name in _HASHES else None


def _plain(asked: dict[str, str]) -> bool:
    """Tell whether a challenge takes a login without a digest of the body."""
    return "qop" not in asked or "auth" in [word.strip().lower() for word in asked["qop"].split(",")]


def _hashed(asked: dict[str, str], text: str) -> str:
    """Hash as a challenge asks."""
    return _HASHES[_hash_of(asked) or "MD5"](text.encode()).hexdigest()


def _quoted(text: str) -> str:
    """Quote a value of a header."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
