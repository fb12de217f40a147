"""What a hub answers over HTTPS: redirects that keep the token at home, content checked against size and checksum."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from rich.progress import Progress

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TIMEOUT: Final = 30  # seconds without a byte
_BLOCK: Final = 1 << 20
_LINKED: Final = ("X-Linked-ETag", "X-Linked-Size")  # of the file that a redirect leads to


def open_answer(endpoint: str, path: str, token: str | None) -> Answer:
    """Ask a hub for a path.

    Args:
        endpoint: URL of the hub.
        path: below it.
        token: sent to the hub alone.

    Raises:
        OSError, HTTPException: if the network or the hub fails.
    """
    request = Request(f"{endpoint}/{path}", headers={"User-Agent": "clinspan"})  # noqa: S310 - checked
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    redirects = _Redirects(endpoint)
    response = build_opener(redirects).open(request, timeout=_TIMEOUT)
    known = {**_of_origin(endpoint, response), **redirects.linked}
    tag = known.get("X-Linked-ETag") or known.get("ETag", "")
    tag = tag.removeprefix("W/").strip('"')
    size = response.headers.get("Content-Length") or known.get("X-Linked-Size", "")
    return Answer(response, int(size) if size.isdigit() else None, tag if _SHA256.fullmatch(tag) else None)


def _of_origin(endpoint: str, response: Any) -> dict[str, str]:
    """Return the headers if they are the hub's own; another host's ETag may be anything."""
    headers: dict[str, str] = {}
    if _same_host(endpoint, response.url):
        headers |= {name: response.headers[name] for name in (*_LINKED, "ETag") if name in response.headers}
    return headers


def _same_host(one: str, other: str) -> bool:
    return urlsplit(one)[:2] == urlsplit(other)[:2]


class _Redirects(HTTPRedirectHandler):
    """Follows the hub to its file store: the token stays with the hub, size and checksum are taken from it."""

    def __init__(self, hub: str) -> None:
        self.hub = hub
        self.linked: dict[str, str] = {}

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Prepare the next request."""
        if urlsplit(newurl).scheme not in ("https", urlsplit(req.full_url).scheme):
            reason = "redirected to an address that is not https"
            raise URLError(reason)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if _same_host(req.full_url, self.hub):
            self.linked |= {name: headers[name] for name in _LINKED if name in headers}
        token = req.get_header("Authorization")
        if request is not None and token and _same_host(newurl, self.hub):
            request.add_unredirected_header("Authorization", token)
        return request


@dataclass(frozen=True)
class Answer:
    """A response, and what its content must be like: size and checksum, None where they are not told."""

    response: Any
    size: int | None
    sha256: str | None

    def save(self, path: Path, progress: Progress) -> bool:
        """Write the content; false if it is not what it must be."""
        task = progress.add_task(path.name, total=self.size)
        digest, size = hashlib.sha256(), 0
        with self.response as response, path.open("wb") as output:
            while block := response.read(_BLOCK):
                digest.update(block)
                size += output.write(block)
                progress.update(task, completed=size)
        return self.size in (None, size) and self.sha256 in (None, digest.hexdigest())
