"""Download one file over HTTP: resumable, with progress, cancellable."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from engine.errors import ModelMissingError
from engine.models.progress import ProgressCallback, build_reporter

CHUNK_BYTES = 1 << 16
TIMEOUT_S = 30.0
RETRY_PAUSES_S = (0.2, 1.0, 3.0)  # a connection that is down for longer is for the user to repair
RANGE_NOT_SATISFIABLE = 416


class _ConnectionLostError(Exception):
    """The connection was lost; what arrived is kept."""


def download(
    url: str,
    part: Path,
    on_progress: ProgressCallback,
    cancel: Event,
    *,
    retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
) -> None:
    """Download a file, resuming an earlier attempt.

    Parameters
    ----------
    url
        ``http`` or ``https``.
    part
        The partial file; what it contains already is the start.
    on_progress
        Called with the progress.
    cancel
        Stops it when set; what arrived is kept.
    retry_pauses_s
        Before each further attempt where the connection is lost.

    Raises
    ------
    ModelMissingError
        If it cannot be downloaded; the message says why, and that another attempt resumes.
    """
    for pause_s in (*retry_pauses_s, None):
        try:
            _fetch(url, part, on_progress, cancel)
            return
        except urllib.error.HTTPError as error:
            raise ModelMissingError(
                f"{url} answered {error.code} {error.reason}. Check the address in the card."
            ) from error
        except (
            urllib.error.URLError,
            http.client.HTTPException,
            OSError,
            _ConnectionLostError,
        ) as error:
            if (
                isinstance(error, OSError)
                and error.errno is not None
                and not isinstance(error, ConnectionError)
            ):
                raise
            if pause_s is None:
                raise ModelMissingError(_describe_unreachable(url, part, error)) from error
            if cancel.wait(pause_s):
                raise ModelMissingError(_describe_stopped(url, part)) from error


def _fetch(url: str, part: Path, on_progress: ProgressCallback, cancel: Event) -> None:
    """Download the missing part in one request."""
    kept = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={kept}-"} if kept else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == RANGE_NOT_SATISFIABLE and kept:
            return  # complete; the hash is checked later
        raise
    with answer:
        kept = kept if answer.status == http.client.PARTIAL_CONTENT else 0
        total = kept + int(answer.headers.get("Content-Length") or 0)
        done, report = kept, build_reporter(on_progress, kept)
        with part.open("ab" if kept else "wb") as file:
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                report(done, total)
                if cancel.is_set():
                    raise ModelMissingError(_describe_stopped(url, part))
    if done < total:
        raise _ConnectionLostError(f"{done} of {total} bytes")


def _describe_unreachable(url: str, part: Path, error: Exception) -> str:
    """Say that the connection failed, and what is kept."""
    reason = getattr(error, "reason", error)
    kept = f" The {part.stat().st_size} bytes that arrived are kept." if part.exists() else ""
    return (
        f"{url} cannot be reached ({reason}).{kept} Check the network connection, then try again."
    )


def _describe_stopped(url: str, part: Path) -> str:
    """Say that the user stopped it, and what is kept."""
    kept = part.stat().st_size if part.exists() else 0
    return (
        f"The download of {url} was stopped. The {kept} bytes that arrived are kept for the "
        "next try."
    )
