"""A real GStreamer RTSP server on the loopback, in a process to kill, freeze and restart."""

import signal
import subprocess
from functools import cache
from pathlib import Path
from types import TracebackType

from tests.support.ip_cameras import PASSWORD, USER, find_free_port

SYSTEM_PYTHON = Path("/usr/bin/python3")  # the one that Debian's GStreamer packages belong to
_IMPORTS = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
"""
_NEEDED = (
    "openh264enc",
    "x265enc",
    "jpegenc",
    "rtpjpegpay",
    "rtph264pay",
    "rtph265pay",
    "videotestsrc",
)
_SERVER = (
    _IMPORTS
    + """
port, launch, login = sys.argv[1:4]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(launch)
factory.set_shared(True)
if login:
    method, user, password = login.split(" ", 2)
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if method == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_supported_methods(2)
        auth.add_digest(user, password, token)
    server.set_auth(auth)
    may = "viewer, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    factory.add_role_from_structure(Gst.Structure.new_from_string(may))
server.get_mount_points().add_factory("/cam", factory)
if not server.attach(None):
    sys.exit("no port")
print("ready", flush=True)
GLib.MainLoop().run()
"""
)
_ENCODERS = {
    "h264": "openh264enc gop-size=15 complexity=0 ! rtph264pay name=pay0 pt=96 config-interval=1",
    "h265": (
        "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph265pay "
        "name=pay0 config-interval=1"
    ),
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


@cache
def explain_missing_rtsp_server() -> str:
    """Say what is missing for an RTSP server; empty if nothing is."""
    if not SYSTEM_PYTHON.exists():
        return f"there is no {SYSTEM_PYTHON}"
    script = (
        f"{_IMPORTS}\nsys.exit(' '.join(n for n in {_NEEDED!r} if not "
        "Gst.ElementFactory.find(n)) or 0)"
    )
    result = subprocess.run(
        [SYSTEM_PYTHON, "-c", script], capture_output=True, text=True, check=False
    )
    if result.returncode == 0:
        return ""
    return (
        "no RTSP server (make test installs it on Debian): "
        f"{(result.stderr.strip().splitlines() or ['?'])[-1]}"
    )


class RtspServer:
    """A camera that speaks RTSP, in a process of its own; it keeps its port. A context manager.

    `codec` is ``h264``, ``h265`` or ``jpeg``; `login` is empty, ``basic`` or ``digest``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        codec: str = "h264",
        login: str = "",
        size_wh: tuple[int, int] = (160, 120),
        fps: int = 30,
    ) -> None:
        self.port = find_free_port()
        self._script = folder / "rtsp_server.py"
        self._script.write_text(_SERVER)
        self._launch = (
            f"( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,framerate={fps}/1,"
            f"width={size_wh[0]},height={size_wh[1]} ! {_ENCODERS[codec]} )"
        )
        self._login = f"{login} {USER} {PASSWORD}" if login else ""
        self._process: subprocess.Popen[str] | None = None

    def address_of(self, path: str = "/cam", login: str = "") -> str:
        """Return the address of a path; only ``/cam`` is there."""
        return f"rtsp://{login}127.0.0.1:{self.port}{path}"

    def start(self) -> "RtspServer":
        command = [str(SYSTEM_PYTHON), str(self._script), str(self.port), self._launch, self._login]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        first_line = self._process.stdout.readline() if self._process.stdout else ""
        if first_line.strip() != "ready":
            self.kill()
            raise RuntimeError("The RTSP server does not start.")
        return self

    def kill(self) -> None:
        """kill -9. May be called twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def freeze(self) -> None:
        """Stop it in its tracks: the connection stays, nothing comes."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> "RtspServer":
        return self.start()

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
