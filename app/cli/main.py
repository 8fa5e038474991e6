"""The `epipole` command: parse, run, and turn every outcome into a message and an exit code.

0 done · 1 failed · 2 usage error · 3 refused, the calibration cannot be trusted · 130 Ctrl-C.
"""

import logging
import os
import sys
from collections.abc import Sequence

from app import logs, paths
from app.cli import arguments
from app.errors import UsageError, describe_internal_error, explain_os_error
from app.exit_codes import FAILED, INTERRUPTED, USAGE
from calibration.errors import CalibrationError
from engine.address import strip_credentials
from engine.errors import EngineError
from engine.loading import load_attribute
from training.errors import TrainingError

NO_TORCH = (
    "Training needs PyTorch, which is not installed. Install it with: pip install 'epipole[train]'"
)

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        Arguments after ``epipole``; those of the process if not given.

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
        logger.exception("internal error")
        return _print_error(describe_internal_error(), FAILED)


def _report_missing_module(error: ModuleNotFoundError) -> int:
    """Say how to install PyTorch; any other missing module is an internal error."""
    if error.name != "torch":
        logger.exception("internal error")
        return _print_error(describe_internal_error(), FAILED)
    logger.info("torch is missing", exc_info=True)
    return _print_error(NO_TORCH, FAILED)


def _print_error(message: str, code: int) -> int:
    """Print one message on stderr and return the exit code."""
    print(f"epipole: {logs.hide_passwords(message)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
