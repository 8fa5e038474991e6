"""The command line: words, values, progress and exit codes."""
