"""Usage errors, and messages for what the operating system refuses."""

import errno


class UsageError(Exception):
    """A usage error in the command line; exit code 2."""


def explain_os_error(error: OSError) -> str:
    """Describe what the operating system refused, and what to do.

    Returns
    -------
    message
    """
    where = f"'{error.filename}'" if error.filename else "a file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full: {where} could not be written. Free some space and run the "
            "command again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{where} cannot be written or read: {error.strerror}. Choose another folder "
            "with --out."
        )
    if error.errno == errno.ENOENT:
        return f"There is no {where}. Check the path."
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return f"{where} is in the way: {error.strerror}. Choose another path with --out."
    return f"The system refused {where}: {error.strerror or error}."
