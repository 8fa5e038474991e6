"""The `epipole` command: read the words, run the command, and turn whatever happens into a sentence and an exit code.

0 done · 1 failed · 2 the command line cannot be meant · 3 a calibration that cannot be trusted · 130 Ctrl-C.
"""

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from app import arguments, logs, paths
from app.errors import UsageError, explain_disk
from calibration.errors import CalibrationError
from engine.capture.address import without_password
from engine.errors import EngineError
from training.errors import TrainingError

DONE, FAILED, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
NO_TORCH = "Teaching a network needs PyTorch, which is not installed. Install it with: pip install 'epipole[train]'"

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
        logger.info("epipole %s", " ".join(map(without_password, words)))
        return load(arguments.COMMANDS[options.command])(options)
    except UsageError as error:
        return _say(str(error), USAGE)
    except KeyboardInterrupt:
        return _say("Stopped. What was written so far is complete and can be opened.", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (CalibrationError, EngineError, TrainingError) as error:
        logger.info("failed", exc_info=True)
        return _say(str(error), FAILED)
    except OSError as error:
        logger.info("failed", exc_info=True)
        return _say(explain_disk(error), FAILED)
    except ModuleNotFoundError as error:
        return _without(error)
    except Exception:
        logger.exception("a fault of the program")
        return _say(_confess(), FAILED)


def load(name: str) -> Callable[..., Any]:
    """Import what a table of strings names.

    Parameters
    ----------
    name
        ``package.module:function``.

    Returns
    -------
    function
    """
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _without(error: ModuleNotFoundError) -> int:
    """Say what is to be installed; what everybody has cannot be missing without a fault."""
    if error.name != "torch":
        logger.exception("a fault of the program")
        return _say(_confess(), FAILED)
    logger.info("torch is missing", exc_info=True)
    return _say(NO_TORCH, FAILED)


def _confess() -> str:
    """Say that the program itself is at fault, and where the details are."""
    log = paths.log_file()
    kept = f"The details are in {log}; please send them with a report." if log.exists() else "No log could be kept."
    return f"Something in the program went wrong, through no fault of yours. {kept}"


def _say(sentence: str, code: int) -> int:
    """Say one sentence on stderr and hand the exit code on."""
    print(f"epipole: {logs.hide_passwords(sentence)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
