"""Bringing the reviews here: copying a file, or downloading one that is taken only when its sha256 is right."""

import hashlib
import shutil
import time
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import httpx
from lib_ml.manifest import Closed, DataSource, Sha256
from pydantic import Field

from model_training.params import Data, Published
from model_training.progress import download_bar
from model_training.refusal import TrainingRefused
from model_training.whole_files import whole_file, write_json


class Fetched(Closed):
    """data/source.json: the raw file's origin. `name` has no folder: a model must not tell where its maker lives."""

    source: str = Field(pattern="^(sample|published|path)$")
    name: str = Field(min_length=1, max_length=255)
    sha256: Sha256

    def with_rows(self, rows: int) -> DataSource:
        return DataSource.model_validate({**self.model_dump(), "rows": rows})


def fetch(data: Data, raw: Path, origin: Path, *, task: str) -> Fetched:
    """Puts the table that `data`, a task's section, names into `raw` and where it came from into `origin`.

    Raises TrainingRefused; `raw` and `origin` then stay as they were.
    """
    key = f"tasks.{task}.data"
    if data.source == "published" and data.published:
        name = PurePosixPath(unquote(urlsplit(data.published.url).path)).name
        if not (raw.is_file() and sha256_of_file(raw) == data.published.sha256):
            download(data.published, raw, key=key)
    else:
        file = Path(data.sample if data.source == "sample" else data.path or "")
        name = file.name
        copy(file, raw, key=f"{key}.path")
    fetched = Fetched(source=data.source, name=name, sha256=sha256_of_file(raw))
    write_json(origin, fetched.model_dump())
    return fetched


def copy(file: Path, raw: Path, *, key: str) -> None:
    """Copies `file`, which `key` in params.yaml names, to `raw`. Raises TrainingRefused when it can't be read."""
    try:
        with whole_file(raw) as partial:
            shutil.copyfile(file, partial)
    except OSError as error:
        raise TrainingRefused(f"{file}: {error.strerror}: name a readable file in {key}") from error


def download(published: Published, raw: Path, *, key: str) -> None:
    """Downloads the published file to `raw`. Raises TrainingRefused when it fails, is too large or is another file.

    `key`: the section of params.yaml that names it.
    """
    try:
        with whole_file(raw) as partial:
            found = _stream_to(published, partial)
            if found != published.sha256:
                raise TrainingRefused(
                    f"{published.url}: its sha256 is {found}, not {published.sha256}: the file was changed or cut "
                    f"short; check it, then correct {key}.published.sha256 in params.yaml"
                )
    except httpx.HTTPStatusError as error:
        status = f"{error.response.status_code} {error.response.reason_phrase}"
        raise TrainingRefused(f"{published.url}: the server answered {status}: check {key}.published.url") from error
    except httpx.HTTPError as error:
        reason = str(error) or error.__class__.__name__
        raise TrainingRefused(
            f"{published.url}: {reason}: try again, or use {key}.source 'sample' or 'path', which need no network"
        ) from error


def _stream_to(published: Published, partial: Path) -> str:
    """Writes the body to `partial` within the limits; returns its sha256."""
    digest, limit = hashlib.sha256(), int(published.max_megabytes * 1e6)
    deadline = time.monotonic() + published.deadline_s
    with (
        httpx.stream("GET", published.url, timeout=published.timeout_s, follow_redirects=True) as response,
        partial.open("wb") as stream,
    ):
        response.raise_for_status()
        length = response.headers.get("content-length", "")
        with download_bar("download", int(length) if length.isdecimal() else None) as bar:
            for piece in response.iter_bytes():
                stream.write(piece)
                digest.update(piece)
                bar.advance(bar.task_ids[0], len(piece))
                if stream.tell() > limit:
                    raise TrainingRefused(
                        f"{published.url}: larger than {published.max_megabytes:g} MB: see max_megabytes"
                    )
                if time.monotonic() > deadline:
                    raise TrainingRefused(
                        f"{published.url}: not finished within {published.deadline_s:g} s: see deadline_s"
                    )
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
