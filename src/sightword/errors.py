"""Everything that can go wrong, as sentences.

::

    SightwordError                 exit 1   an expected failure, told in one sentence
    |-- UsageError                 exit 2   the words of the command or the call are wrong
    |-- IndexProblem               exit 3   the index cannot be used as it is
    |   |-- IndexMissing                    there is none yet
    |   |-- IndexCorrupt                    it is damaged; ``sightword check`` repairs
    |   |-- IndexForAnotherBackbone         it holds another backbone's vectors
    |   |-- IndexOfAnotherFolder            it was filled from another folder
    |   `-- IndexBusy                       another process is writing (its pid is named)
    |-- ModelUnavailable           exit 4   a backbone, method or optional package is not here
    |   |-- ModelMismatch                   the method belongs to another backbone
    |   `-- MethodNeeds                     the method needs what the backbone or this place cannot give
    |-- NothingMatched             exit 5   the search was fine and found nothing
    `-- PictureError               exit 1   a picture cannot be read; the reason is the message

``IndexWarning`` is a warning: the index is used, but not quite as it was asked for.

Each error has a ``hint``: the command or the step that mends it.
"""

from __future__ import annotations

__all__ = [
    "IndexBusy",
    "IndexCorrupt",
    "IndexForAnotherBackbone",
    "IndexMissing",
    "IndexOfAnotherFolder",
    "IndexProblem",
    "IndexWarning",
    "MethodNeeds",
    "ModelMismatch",
    "ModelUnavailable",
    "NothingMatched",
    "PictureError",
    "SightwordError",
    "UsageError",
]


class SightwordError(Exception):
    """Base of all errors that a user can cause or mend.

    Parameters
    ----------
    message : str
        One sentence: what is wrong, with which file or value.
    hint : str, optional
        The command or step that fixes it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class UsageError(SightwordError):
    """An option, an argument or a value is wrong."""

    exit_code = 2


class IndexProblem(SightwordError):
    """The index cannot be used as it is.

    Attributes
    ----------
    waiting : int or None
        How many files an update that failed with this would have read.
    """

    exit_code = 3
    waiting: int | None = None


class IndexMissing(IndexProblem):
    """There is no index where one was expected."""


class IndexCorrupt(IndexProblem):
    """The index is damaged."""


class IndexForAnotherBackbone(IndexProblem):
    """The index holds the vectors of another backbone."""


class IndexOfAnotherFolder(IndexProblem):
    """The index was filled from another folder, and most of its pictures are not in this one.

    Attributes
    ----------
    public : str
        The same without machines, folders and users: what strangers may read.
    """

    public = "Most pictures of the index are not in the folder, so nothing was changed."


class IndexBusy(IndexProblem):
    """Another process is writing to the index.

    Parameters
    ----------
    message, hint
        As for every error.
    holder : str
        Who it is, such as ``process 12 on host``.
    """

    def __init__(self, message: str, hint: str | None = None, holder: str = "another process") -> None:
        super().__init__(message, hint)
        self.holder = holder


class ModelUnavailable(SightwordError):
    """A backbone, a method or an optional package is not installed."""

    exit_code = 4


class ModelMismatch(ModelUnavailable):
    """A method was trained for another backbone."""


class MethodNeeds(ModelUnavailable):
    """A method needs something, such as patches, that the backbone cannot give; told before work starts."""


class NothingMatched(SightwordError):
    """The search ran and no picture satisfied it."""

    exit_code = 5


class PictureError(SightwordError):
    """A picture cannot be read."""


class IndexWarning(UserWarning):
    """An index is used, but not quite as it was asked for."""
