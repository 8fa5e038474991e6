"""The `epipole` command: read the words, run the command, and turn whatever happens into a sentence
and an exit code.

0 done · 1 failed · 2 the command line cannot be meant · 3 a calibration that cannot be trusted ·
130 Ctrl-C.
"""

import logging
import os
import sys
from collections.abc import Sequence

from app import logs, paths
from app.cli import arguments
from app.errors import UsageError, explain_os_error
from calibration.errors import CalibrationError
from engine.address import strip_credentials
from engine.errors import EngineError
from engine.loading import load_attribute
from training.errors import TrainingError

DONE = 0
FAILED = 1
USAGE = 2
REFUSED = 3
INTERRUPTED = 130
NO_TORCH = (
    "Teaching a network needs PyTorch, which is not installed. Install it with: pip "
    "install 'epipole[train]'"
)

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        Words after ``epipole``; those of the process if not given.

    Returns
    -------
    code
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options = arguments.parse(words)
        logs.start_log(paths.log_file())
        logger.info("epipole %s", " ".join(map(strip_credentials, words)))
        return load_attribute(arguments.COMMANDS[options.command])(options)
    except UsageError as error:
        return _print_error(str(error), USAGE)
    except KeyboardInterrupt:
        return _print_error(
            "Stopped. What was written so far is complete and can be opened.", INTERRUPTED
        )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (CalibrationError, EngineError, TrainingError) as error:
        logger.info("failed", exc_info=True)
        return _print_error(str(error), FAILED)
    except OSError as error:
        logger.info("failed", exc_info=True)
        return _print_error(explain_os_error(error), FAILED)
    except ModuleNotFoundError as error:
        return _report_missing_module(error)
    except Exception:
        logger.exception("a fault of the program")
        return _print_error(_describe_internal_error(), FAILED)


def _report_missing_module(error: ModuleNotFoundError) -> int:
    """Say what is to be installed; what everybody has cannot be missing without a fault."""
    if error.name != "torch":
        logger.exception("a fault of the program")
        return _print_error(_describe_internal_error(), FAILED)
    logger.info("torch is missing", exc_info=True)
    return _print_error(NO_TORCH, FAILED)


def _describe_internal_error() -> str:
    """Say that the program itself is at fault, and where the details are."""
    log = paths.log_file()
    details = (
        f"The details are in {log}; please send them with a report."
        if log.exists()
        else "No log could be kept."
    )
    return f"Something in the program went wrong, through no fault of yours. {details}"


def _print_error(message: str, code: int) -> int:
    """Say one sentence on stderr and hand the exit code on."""
    print(f"epipole: {logs.hide_passwords(message)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
