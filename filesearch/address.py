"""Address: what a server's URL may be, where a key may go, and a server's words in our messages.

For every adapter that asks a server over HTTP.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from filesearch.errors import InvalidSetting

_MAX_DETAIL_CHARS = 200


def check_address(url: str, api_key: str, *, server: str, example: str, key: str) -> SplitResult:
    """Return the parts of an http or https URL that names a server and no password.

    Args:
        api_key: What is sent there; empty sends none.
        server: What the server is, for messages, such as "reranker".
        example: A URL that would do.
        key: The variable that holds the key.

    Raises:
        InvalidSetting: No http(s) URL, one that carries a password, or a key that is none or
            would travel unencrypted.
    """
    try:
        parts = urlsplit(url)
        is_good = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:  # a port that is no number, brackets that do not close
        raise InvalidSetting(f"{server} URL '{url}' is not a URL: {error}") from error
    if parts.username is not None or parts.password is not None:
        # Without the URL: it holds a password.
        raise InvalidSetting(
            f"the {server}'s URL for {parts.hostname} carries a password; give the key in {key}"
        )
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not is_good or not is_plain:
        raise InvalidSetting(f"{server} URL '{url}' cannot be used; give one such as {example}")
    if not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise InvalidSetting(f"the {server}'s API key holds a space or a sign no key has")
    host = parts.hostname or ""
    if api_key and parts.scheme == "http" and not is_loopback(host):
        raise InvalidSetting(
            f"the {server}'s API key would travel unencrypted to {host}; use https, or unset {key}"
        )
    return parts


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def plain_words(text: str, api_key: str) -> str:
    """Return a server's words fit for a message: one short line, without the key."""
    if api_key:
        text = text.replace(api_key, "[key]")
    line = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(line.split())[:_MAX_DETAIL_CHARS]
