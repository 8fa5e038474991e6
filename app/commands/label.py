"""`epipole label`: a session's 3D joints as training labels, with every rejection's reason."""

from argparse import Namespace

from app.cli.progress import Progress
from app.exit_codes import DONE
from app.report.calibration_output import print_messages
from engine.offline.repair_sessions import repair_sessions
from engine.session.session import Session
from training.labels.report import format_summary
from training.labels.session import label_session


def run(options: Namespace) -> int:
    """Label a session.

    Parameters
    ----------
    options
        `session`, `rig`.

    Returns
    -------
    code
        0; the command line turns a TrainingError into one message and 1.
    """
    print_messages(repair_sessions([options.session]))
    session = Session.open(options.session)
    with Progress("Labelling", 100, "percent") as progress:
        labelled = label_session(
            session, options.rig, progress=lambda _, share: progress(round(100 * share))
        )
    print()
    for message in format_summary(labelled.summary):
        print(message)
    print_messages(session.remarks)
    print(f"Labels   {labelled.path}")
    print(f"Summary  {labelled.path.with_suffix('.json')}")
    return DONE
