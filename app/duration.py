"""How a length of time is written: in sentences, in lists that should not jump, and where whole minutes will do."""

_MINUTE_S, _HOUR_S = 60, 3600


def format_duration(seconds: float) -> str:
    """Write a length of time in a sentence.

    Returns
    -------
    words

    Examples
    --------
    >>> format_duration(0.42), format_duration(17.2), format_duration(190), format_duration(7320)
    ('0.4 s', '17 s', '3 min 10 s', '2 h 2 min')
    """
    return _format_two_units(seconds, digits=1)


def format_duration_padded(seconds: float) -> str:
    """Write a length of time in a list, or where it changes as one looks: minutes and seconds keep
    two digits.

    Returns
    -------
    words

    Examples
    --------
    >>> format_duration_padded(1.66), format_duration_padded(42.4), format_duration_padded(187), format_duration_padded(7265)
    ('1.7 s', '42 s', '3 min 07 s', '2 h 01 min')
    """
    return _format_two_units(seconds, digits=2)


def format_whole_minutes(seconds: float) -> str:
    """Write what is left of a long time; never more than there is.

    Returns
    -------
    words

    Examples
    --------
    >>> format_whole_minutes(50), format_whole_minutes(600), format_whole_minutes(8000)
    ('50 s', '10 min', '2 h 13 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = int(seconds // _MINUTE_S)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _format_two_units(seconds: float, *, digits: int) -> str:
    """Write two units at most, the smaller one with so many digits at least."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:0{digits}d} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:0{digits}d} min"
