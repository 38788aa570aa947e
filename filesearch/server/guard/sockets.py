"""Sockets: lets WebSockets pass through the same checks as requests do.

A WebSocket begins as a GET request. The middlewares see it as one, and what they answer instead
of the application goes out as the answer to that request: it is refused before it is opened.
Pages of other sites can open WebSockets without asking, so the check of origins matters here most.
"""

from __future__ import annotations

from filesearch.server.guard.asgi import ASGIApp, Message, Receive, Scope, Send


class SocketsAsRequests:
    """Translates the answers of middlewares for WebSockets that they refuse."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a WebSocket on."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        scope["method"] = "GET"

        async def translated(message: Message) -> None:
            if message["type"].startswith("http.response."):
                message = {**message, "type": f"websocket.{message['type']}"}
            await send(message)

        await self._app(scope, receive, translated)
