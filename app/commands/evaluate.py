"""`epipole evaluate`: a model's errors against ground truth, or a session's own labels."""

from argparse import Namespace
from datetime import datetime
from pathlib import Path

from app.cli.step_progress import StepLines
from app.errors import UsageError
from app.exit_codes import DONE
from app.paths import choose_new_folder, remove_empty_on_error, require_writable
from app.report.calibration_output import print_messages
from engine.offline.repair_sessions import repair_sessions
from engine.session.session import Session
from training.evaluation.evaluate_models import cut_session_samples, evaluate_models, load_samples
from training.evaluation.report import PAGE, format_comparison


def run(options: Namespace) -> int:
    """Evaluate a model.

    Parameters
    ----------
    options
        `network`, `data` or `session`, `labels`, `against`, `out`.

    Returns
    -------
    code
        0; the command line turns errors into one message and 1.
    """
    if options.labels and not options.session:
        raise UsageError("--labels names labels of a session; give the session with --session.")
    folder = options.out or choose_new_folder(Path.cwd(), datetime.now())
    with remove_empty_on_error(folder):
        return _evaluate(options, folder)


def _evaluate(options: Namespace, folder: Path) -> int:
    """Evaluate, and write the page."""
    require_writable(folder / PAGE)
    names = [options.network, *filter(None, [options.against])]
    with StepLines() as progress:
        if options.session:
            print_messages(repair_sessions([options.session]))
            session = Session.open(options.session)
            samples, config = cut_session_samples(session, options.labels, progress)
        else:
            samples, config = load_samples(options.data)
        evaluated = evaluate_models(names, samples, config, progress)
    page = evaluated.write(folder)
    print(f"\n{evaluated.evaluation.to_text()}{format_comparison(evaluated.comparison)}")
    print(f"Report  {page}")
    return DONE
