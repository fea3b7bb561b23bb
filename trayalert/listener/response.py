"""What the door says: few words, the same for all, and nothing of what program says them."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import CIMultiDict

_HEADERS = CIMultiDict({"Server": "", "Cache-Control": "no-store", "Content-Type": "text/plain"})
"""Without a name in `Server` aiohttp would give its own."""


class Response(web.Response):
    """Closes the connection: what else was sent on it is never executed."""

    def __init__(
        self, status: int, text: str = "", *, linger: Callable[[], Awaitable[None]], retry_after: int | None = None
    ) -> None:
        super().__init__(status=status, body=text.encode(), headers=_HEADERS)
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)
        self.force_close()
        self._linger = linger

    async def write_eof(self, data: bytes = b"") -> None:
        """Say it all. It is over when nothing is on its way any more that could undo the answer."""
        await super().write_eof(data)
        await self._linger()
