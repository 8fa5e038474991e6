"""Format a length of time: for messages, for lists, and in whole minutes."""

_MINUTE_S, _HOUR_S = 60, 3600


def format_duration(seconds: float) -> str:
    """Format a length of time for a message.

    Examples
    --------
    >>> format_duration(0.42), format_duration(17.2), format_duration(190), format_duration(7320)
    ('0.4 s', '17 s', '3 min 10 s', '2 h 2 min')
    """
    return _format_two_units(seconds, digits=1)


def format_duration_padded(seconds: float) -> str:
    """Format a length of time for a list or a running display: seconds keep two digits.

    Examples
    --------
    >>> format_duration_padded(1.66), format_duration_padded(187), format_duration_padded(7265)
    ('1.7 s', '3 min 07 s', '2 h 01 min')
    """
    return _format_two_units(seconds, digits=2)


def format_whole_minutes(seconds: float) -> str:
    """Format the rest of a long time, rounded down.

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
    """Format at most two units, the smaller one with at least `digits` digits."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:0{digits}d} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:0{digits}d} min"
