"""Basic and Digest logins of HTTP (RFC 7617, RFC 7616): the header that answers a challenge."""

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
        If the server offers neither Basic nor a Digest that is known.

    Notes
    -----
    Digest is preferred, since Basic sends the password itself.
    """

    def __init__(self, challenges: Sequence[str], user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._count = 0
        offers = [
            (kind.lower(), rest)
            for kind, _, rest in (challenge.strip().partition(" ") for challenge in challenges)
        ]
        self._digest: dict[str, str] | None = None
        for kind, rest in offers:
            if kind == "digest":
                fields = parse_keqv_list([field for field in parse_http_list(rest) if "=" in field])
                parameters = {name.lower(): value for name, value in fields.items()}
                if (
                    _find_hash(parameters) is not None
                    and "nonce" in parameters
                    and _allows_plain_body(parameters)
                ):
                    self._digest = parameters
                    return
        if not any(kind == "basic" for kind, _ in offers):
            raise ValueError("The server offers neither Basic nor Digest.")

    def build_header(self, method: str, target: str) -> str:
        """Return the `Authorization` header of the next request.

        Parameters
        ----------
        method
            For instance ``GET``.
        target
            Path and query, as in the request.
        """
        if self._digest is None:
            return "Basic " + b64encode(f"{self._user}:{self._password}".encode()).decode()
        parameters = self._digest
        self._count += 1
        count, own_nonce = f"{self._count:08x}", secrets.token_hex(8)
        realm, nonce = parameters.get("realm", ""), parameters["nonce"]
        secret = _hash(parameters, f"{self._user}:{realm}:{self._password}")
        if parameters.get("algorithm", "").lower().endswith("-sess"):
            secret = _hash(parameters, f"{secret}:{nonce}:{own_nonce}")
        request = _hash(parameters, f"{method}:{target}")
        middle = f"{nonce}:{count}:{own_nonce}:auth" if "qop" in parameters else nonce
        fields = {
            "username": _quote(self._user),
            "realm": _quote(realm),
            "nonce": _quote(nonce),
            "uri": _quote(target),
            "response": _quote(_hash(parameters, f"{secret}:{middle}:{request}")),
        }
        if "algorithm" in parameters:
            fields["algorithm"] = parameters["algorithm"]
        if "opaque" in parameters:
            fields["opaque"] = _quote(parameters["opaque"])
        if "qop" in parameters:
            fields |= {"qop": "auth", "nc": count, "cnonce": _quote(own_nonce)}
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())


def _find_hash(parameters: dict[str, str]) -> str | None:
    """Name the hash of a challenge; None if it is not known."""
    name = parameters.get("algorithm", "MD5").upper().removesuffix("-SESS")
    return name if name in _HASHES else None


def _allows_plain_body(parameters: dict[str, str]) -> bool:
    """Return whether a challenge accepts a login without a digest of the body."""
    return "qop" not in parameters or "auth" in [
        word.strip().lower() for word in parameters["qop"].split(",")
    ]


def _hash(parameters: dict[str, str], text: str) -> str:
    """Hash with the algorithm of a challenge."""
    return _HASHES[_find_hash(parameters) or "MD5"](text.encode()).hexdigest()


def _quote(text: str) -> str:
    """Quote a value of a header."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
