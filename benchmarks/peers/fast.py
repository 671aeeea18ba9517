"""Fast: FastAPI returning pydantic models that hold what the API answered, as its guide has it."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.answer_latency import STATE, SUMMARY
from benchmarks.peers.guarded import answer, serve
from benchmarks.peers.models import model_of
from graph.schema import build_schema


class Asked(BaseModel):
    """A request of the same shape as the API's."""

    query: str


def main() -> None:
    """Serve until ended."""
    app = FastAPI()
    schema = build_schema()._schema  # noqa: SLF001 - Strawberry has no other name for it
    for name, query in (("state", STATE), ("summary", SUMMARY)):
        _add(app, name, model_of(schema, query))

    @app.get("/livez")
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    serve(app)


def _add(app: FastAPI, name: str, model: type[BaseModel]) -> None:
    held = model.model_validate_json(answer(name))

    @app.post(f"/{name}", response_model=model)
    async def send(asked: Asked) -> Any:
        return held


if __name__ == "__main__":
    main()
