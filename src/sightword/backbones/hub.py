"""Files from the Hugging Face hub: with a progress bar, resumed when cut off, and used offline once here.

`huggingface_hub` does the work and keeps its own cache (``HF_HOME``, ``HF_HUB_CACHE``). Here its errors
become one sentence: what is missing, where it goes, and the command that fetches it.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from sightword.errors import ModelUnavailable, UsageError

__all__ = ["HUB_PREFIX", "fetch", "fetch_directory", "push", "split_revision"]

HUB_PREFIX = "hf-hub:"
"""Marks a name as a repository of the hub, as in open_clip."""

PATIENCE = 5.0
"""Seconds in which the hub must answer the door."""


def split_revision(name: str) -> tuple[str, str | None]:
    """``hf-hub:owner/name@revision`` -> ``("owner/name", "revision")``; the revision may be absent."""
    repo, _, revision = name.removeprefix(HUB_PREFIX).partition("@")
    return repo, revision or None


def fetch(
    repo: str,
    names: Sequence[str],
    *,
    what: str,
    revision: str | None = None,
    cache: str | Path | None = None,
    local_files_only: bool = False,
    prefer_cache: bool = True,
) -> Path:
    """The first of several files that a repository has.

    Parameters
    ----------
    repo : str
        ``owner/name``.
    names : sequence of str
        Files in order of preference, such as safetensors before a pickle.
    what : str
        What the file is to the user, for the error: ``the weights of ViT-L-14/openai``.
    revision : str, optional
        Branch, tag or commit; the default branch otherwise.
    cache : path, optional
        Instead of the hub's own cache.
    local_files_only : bool
        Never ask the network.
    prefer_cache : bool
        Take what is here without asking whether it is the newest.

    Raises
    ------
    ModelUnavailable
        It is neither here nor can it be fetched.
    """
    from huggingface_hub import hf_hub_download

    options: dict[str, Any] = {"repo_id": repo, "revision": revision, "cache_dir": cache}
    problem: Exception | None = None
    rounds = [True, False] if prefer_cache else [False]
    if local_files_only or (not prefer_cache and _unreachable()):
        rounds = [True]
    for only_local in rounds:
        if not only_local and _unreachable():
            break
        for name in names:
            try:
                return Path(hf_hub_download(filename=name, local_files_only=only_local, **options))
            except Exception as error:
                _pass_on(error)
                problem = error
                if not only_local and not _absent(error):
                    break
    assert problem is not None
    raise _sentence(problem, repo, names[0], what, revision, cache)


def fetch_directory(
    repo: str,
    names: Sequence[str],
    *,
    what: str,
    revision: str | None = None,
    cache: str | Path | None = None,
    local_files_only: bool = False,
) -> Path:
    """The named files of a repository (patterns such as ``*.json`` are allowed), as one directory.

    Raises
    ------
    ModelUnavailable
        They are neither here nor can they be fetched.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                repo,
                revision=revision,
                cache_dir=cache,
                allow_patterns=list(names),
                local_files_only=local_files_only or _unreachable(),
            )
        )
    except Exception as error:
        _pass_on(error)
        raise _sentence(error, repo, names[0], what, revision, cache) from None


def push(
    directory: Path,
    names: Sequence[str],
    repo: str,
    *,
    message: str,
    revision: str | None = None,
    private: bool = False,
) -> str:
    """Upload files of a directory to a repository, which is made if there is none.

    Parameters
    ----------
    directory : Path
    names : sequence of str
        The files; nothing else of the directory is sent.
    repo : str
        ``owner/name``.
    message : str
        Of the commit.
    revision : str, optional
        Branch.
    private : bool
        Whether a new repository is.

    Returns
    -------
    str
        The address of the commit.

    Raises
    ------
    ModelUnavailable
        Not logged in, no right to write, or no network.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    api = HfApi(library_name="sightword")
    try:
        made = api.create_repo(repo, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=made.repo_id,
            folder_path=directory,
            allow_patterns=list(names),
            commit_message=message,
            revision=revision,
        )
    except HFValidationError:
        raise UsageError(f"{repo!r} is not a repository's name.", "Write owner/name.") from None
    except Exception as error:
        if not isinstance(error, ValueError):  # the hub's words on a README.md that it does not take
            _pass_on(error)
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise ModelUnavailable(
                f"The hub does not let you write to {repo}.", "`hf auth login` with a token that may write."
            ) from None
        said = f" ({status})" if isinstance(error, HfHubHTTPError) else ""
        raise ModelUnavailable(
            f"{directory} could not be sent to {repo}{said}: {str(error).strip().splitlines()[0][:160]}"
        ) from None
    return str(done.commit_url)


def _unreachable() -> bool:
    """Whether nobody answers at the hub's address; asking it would then take minutes of retries."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return True
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return False
    # In a thread: looking a name up has no time limit of its own and hangs where the network swallows it.
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_answers(constants.ENDPOINT)), daemon=True).start()
    try:
        return not answers.get(timeout=PATIENCE)
    except queue.Empty:
        return True


def _answers(endpoint: str) -> bool:
    parts = urlparse(endpoint)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def _pass_on(error: Exception) -> None:
    """Only what the hub and the network say is told here; a full disk or a mistake of ours is not."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    network = type(error).__module__.partition(".")[0] in ("httpx", "httpcore", "requests", "urllib3")
    known = (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, ConnectionError, TimeoutError)
    if not network and not isinstance(error, known):
        raise error


def _absent(error: Exception) -> bool:
    """Whether the repository answered that it has no such file: then another name may be there."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    return isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)


def _sentence(
    error: Exception, repo: str, name: str, what: str, revision: str | None, cache: str | Path | None
) -> Exception:
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    version = f" --revision {revision}" if revision else ""
    command = f"hf download {repo} {name}{version}"
    if isinstance(error, HFValidationError):
        return UsageError(f"{repo!r} is not a repository's name.", "Write owner/name.")
    if isinstance(error, GatedRepoError):
        return ModelUnavailable(
            f"The owner of {repo} asks you to accept terms before {what} can be fetched.",
            f"Accept them on the repository's page, then `hf auth login` and `{command}`.",
        )
    if isinstance(error, RevisionNotFoundError):
        return ModelUnavailable(f"{repo} has no revision {revision!r}.", f"Needed for {what}.")
    if isinstance(error, RepositoryNotFoundError):
        return ModelUnavailable(
            f"The hub has no repository {repo} that you may read ({what}).",
            "Check the name; a private one needs `hf auth login`.",
        )
    if _absent(error):
        return ModelUnavailable(f"The repository {repo} holds no {name} ({what}).", "Check the name.")
    folder = Path(cache or constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    return ModelUnavailable(
        f"Not here: {what} ({name} of {repo}); and the hub cannot be asked.",
        f"Where there is a network run `{command}`, then copy {folder} to the same place here.",
    )
