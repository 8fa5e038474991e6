"""The program a person sees: the `epipole` command and its window."""
