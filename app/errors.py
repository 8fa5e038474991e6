"""What the program itself refuses, before any work begins."""


class UsageError(Exception):
    """A command line that cannot be meant; exit code 2."""
