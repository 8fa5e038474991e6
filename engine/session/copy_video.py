"""Copy video files into a session: the same packets in Matroska, exact times in a ledger."""

import shutil
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

from av.error import FFmpegError

from engine.capture.video.decode import DamageCounts, open_video, read_packets
from engine.capture.video.facts import VideoFacts, probe_video
from engine.capture.video.presentation import IncreasingTimes
from engine.clock import ns_from_ticks
from engine.disk import disk_errors
from engine.ledger import LedgerRow, LedgerWriter
from engine.session.matroska import create_matroska
from engine.session.session import LEDGER, VIDEO, add_suffix

# How many packets are searched for the lowest stamp; hidden images before a file's start come
# first.
START_PACKETS = 64


@dataclass(frozen=True, slots=True)
class CopiedVideo:
    """A video that was copied into a session.

    Parameters
    ----------
    facts
        Of the source.
    video
        The new file.
    ledger
        None where the video's own stamps are the times.
    start_ns
        The time at the video's stamp 0; None where there is no ledger.
    """

    facts: VideoFacts
    video: Path
    ledger: Path | None = None
    start_ns: int | None = None


def copy_video(source: Path, name: str, stem: Path) -> CopiedVideo:
    """Copy the packets of a video into a session, without its sound; nothing is re-encoded.

    Parameters
    ----------
    source
        A video file.
    name
        The view's name, for errors.
    stem
        Gets ``<stem>.mkv`` and ``<stem>.frames.csv``. Where Matroska cannot hold the video, or its
        stamps are missing or not increasing, the whole file is copied with its own suffix, without
        a ledger.

    Raises
    ------
    SessionError
        If the disk refuses; then nothing is left behind.
    engine.errors.CameraError
        If the source is no video.
    """
    facts = probe_video(source, name)
    video = add_suffix(stem, VIDEO)
    ledger = add_suffix(stem, LEDGER)
    whole = add_suffix(stem, source.suffix.lower())
    try:
        with disk_errors(video):
            remuxed = _remux(source, name, video)
            rows = None if remuxed is None else _build_rows(remuxed.stamps_ns, facts)
            if remuxed is None or rows is None:
                video.unlink(missing_ok=True)
                shutil.copyfile(source, whole)
                return CopiedVideo(facts, whole)
            with LedgerWriter(ledger) as writer:
                for row in rows:
                    writer.put(row)
            return CopiedVideo(facts, video, ledger, -facts.first_ns - remuxed.shift_ns)
    except BaseException:
        for path in (video, ledger, whole):
            path.unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class _Remuxed:
    """Stamps of the copied images as in the source, and their shift in the copy."""

    stamps_ns: list[int]
    shift_ns: int


def _remux(source: Path, name: str, video: Path) -> _Remuxed | None:
    """Copy the packets; None if Matroska cannot hold them."""
    container, stream = open_video(source, name)
    with container:
        tick_s = Fraction(stream.time_base or 1)
        copied = (
            packet for packet in read_packets(container, stream, DamageCounts()) if packet.size
        )
        first = list(islice(copied, START_PACKETS))
        shift = max(0, -min((packet.pts for packet in first if packet.pts is not None), default=0))
        stamps_ns: list[int] = []
        try:
            with create_matroska(video) as copy:
                target = copy.add_stream_from_template(stream)
                for packet in chain(first, copied):
                    if packet.pts is None or packet.dts is None:
                        return None
                    if not packet.is_discard:
                        stamps_ns.append(ns_from_ticks(packet.pts, tick_s))
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = target
                    copy.mux(packet)
        except OSError:
            raise
        except (FFmpegError, ValueError):
            return None
    return _Remuxed(stamps_ns, ns_from_ticks(shift, tick_s))


def _build_rows(stamps_ns: list[int], facts: VideoFacts) -> list[LedgerRow] | None:
    """Build the ledger of a copied video; None if its stamps are not increasing."""
    times = IncreasingTimes(facts.first_ns, facts.period_ns)
    moments = [times.next_moment(stamp_ns) for stamp_ns in sorted(stamps_ns)]
    return (
        None if times.repaired_count else [LedgerRow(*moment, facts.size_wh) for moment in moments]
    )
