"""Ending: uvicorn's server, made to end at once when it has thousands of sockets open."""

import gc
import socket

import uvicorn


class Server(uvicorn.Server):
    """Serves one process, which ends with it."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of all connections; to look for garbage in what they were made of would take longer than to tell everyone."""
        gc.freeze()
        await super().shutdown(sockets)
