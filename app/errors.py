"""Usage errors, and messages for what the system refuses and for faults of the program."""

import errno

from app import paths


class UsageError(Exception):
    """A usage error in the command line; exit code 2."""


def explain_os_error(error: OSError) -> str:
    """Describe what the operating system refused, and what to do."""
    if not error.filename:
        return f"The system refused to read or write: {error.strerror or error}. Check the disk."
    where = f"'{error.filename}'"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full: {where} could not be written. Free some space and run the "
            "command again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{where} cannot be read or written: {error.strerror}. Change its permissions, or "
            "choose another path (results: --out)."
        )
    if error.errno == errno.ENOENT:
        return f"There is no {where}. Check the path."
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return f"{where} is in the way: {error.strerror}. Choose another path."
    return f"The system refused {where}: {error.strerror or error}. Check the disk and the path."


def describe_internal_error() -> str:
    """Describe a fault of the program, and where its details are."""
    log = paths.log_file()
    details = (
        f"Details: {log}. Please attach this file when you report the problem."
        if log.exists()
        else "No log could be written."
    )
    return f"Internal error. {details}"
