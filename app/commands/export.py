"""`epipole export`: a session's poses as a file for other programs."""

from argparse import Namespace

from app.errors import UsageError
from app.report.calibration_output import print_messages
from engine.export.exporters import export_session
from engine.offline.repair_sessions import repair_sessions
from engine.reconstruction.smooth import Smooth
from engine.session.session import Session


def run(options: Namespace) -> int:
    """Write the file.

    Parameters
    ----------
    options
        `session`, `format`, `out`, `smooth`.

    Returns
    -------
    code
        0.
    """
    if options.smooth and options.format != "csv":
        raise UsageError(
            f"--smooth applies to 3D joints, and '{options.format}' has none. Leave it out, or "
            "choose csv."
        )
    print_messages(repair_sessions([options.session]))
    session = Session.open(options.session)
    export_session(
        session, options.format, options.out, smooth=Smooth() if options.smooth else None
    )
    print(f"Wrote {options.out}")
    print_messages(session.remarks)
    return 0
