"""The constants of a filter: numbers, sizes with units, and dates that mean a span of time."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone

__all__ = ["parse_number", "parse_size", "parse_span"]

_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    _UNITS[_letter] = _UNITS[_letter + "b"] = 1000**_power
    _UNITS[_letter + "ib"] = 1024**_power

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?|[+-]?\.\d+")
_SIZE = re.compile(rf"({_NUMBER.pattern})\s*([a-z]*)", re.IGNORECASE)
_DATE = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?)?)?", re.IGNORECASE
)


def parse_number(text: str) -> float | None:
    """A plain finite number, or None."""
    return _finite(text) if _NUMBER.fullmatch(text) else None


def parse_size(text: str) -> float | None:
    """Bytes of ``300``, ``2.5MB`` (1000s) or ``2.5MiB`` (1024s), or None."""
    match = _SIZE.fullmatch(text)
    if match is None or match[2].lower() not in _UNITS:
        return None
    number = _finite(match[1])
    return None if number is None else number * _UNITS[match[2].lower()]


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def parse_span(text: str, *, local: bool) -> tuple[float, float] | None:
    """First second of a date, and first second after it; None when it is no date.

    ``2024`` is a whole year, ``2024-05`` a month, ``2024-05-17`` a day, ``2024-05-17T10:30`` a minute and
    ``2024-05-17T10:30:05`` a second.

    Parameters
    ----------
    text : str
    local : bool
        Read the date in this computer's time zone (when files were changed) instead of as UTC (when pictures
        were taken: cameras note the local time without saying where).

    Returns
    -------
    (float, float)
        Seconds since 1970.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in match.groups())
    try:
        start = datetime(year or 1, month or 1, day or 1, hour or 0, minute or 0, second or 0)
        if second is not None:
            end = start + timedelta(seconds=1)
        elif minute is not None:
            end = start + timedelta(minutes=1)
        elif day is not None:
            end = start + timedelta(days=1)
        elif month is not None:
            end = (start + timedelta(days=31)).replace(day=1)
        else:
            end = start.replace(year=start.year + 1)
        return _seconds(start, local), _seconds(end, local)
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(moment: datetime, local: bool) -> float:
    return (moment if local else moment.replace(tzinfo=timezone.utc)).timestamp()
