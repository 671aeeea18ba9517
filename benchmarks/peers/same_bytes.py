"""Same bytes: Starlette sending what the API answered, with nothing to work out."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peers.guarded import answer, serve


def main() -> None:
    """Serve until ended."""
    known = {name: answer(name) for name in ("state", "summary")}

    async def send(request: Request) -> Response:
        await request.body()
        return Response(known[request.path_params["name"]], media_type="application/json")

    async def alive(request: Request) -> Response:
        return Response()

    serve(Starlette(routes=[Route("/livez", alive), Route("/{name}", send, methods=["POST"])]))


if __name__ == "__main__":
    main()
