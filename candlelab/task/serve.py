"""Serve a finished run as a page to try it on and as JSON over HTTP: a csv of candles or a picture of a chart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from omegaconf import DictConfig

from candlelab.config import ConfigError
from candlelab.core.errors import UserError
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.scores.signals import chosen_engine
from candlelab.pipeline.serving.desk import LARGEST_PICTURE, NOT_ADVICE, Desk
from candlelab.pipeline.serving.http import LARGEST_BODY, json_answer
from candlelab.run import Run

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio import Blocks

MISSING = "task=serve needs Gradio: pip install 'candlelab[demo]'"


def serve(cfg: DictConfig, *, run: str, engine: Literal["auto", "torch", "onnx", "int8"], host: str, port: int) -> None:
    """Answer questions until the process is ended: a page at http://host:port and JSON at /answer and /about.

    run     a finished run.
    engine  auto: the exported model where there is one; heat maps need torch and captum all the same.
    host    127.0.0.1: this machine alone; 0.0.0.0: everybody who can reach it. There is no login.
    Raises UserError where Gradio is not installed, or the run can answer neither candles nor pictures.
    """
    if not 0 < port < 65536:
        raise ConfigError(f"task.port is {port}: give 1 to 65535")
    app = app_of(desk_of(run, engine))
    import uvicorn

    print(f"http://{host}:{port} answers for {run} (JSON at /answer, described at /about)", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning")


def desk_of(run: str, engine: str) -> Desk:
    """Return what answers for a run."""
    found = load_or_download(run)
    desk = Desk(found, chosen_engine(found, engine), _colour)
    if not desk.takes_candles and not desk.takes_pictures:
        raise UserError(f"'{run}' learnt from given pictures and reads more than them: nothing can be asked of it here")
    return desk


def _colour(run: Run, pixels: np.ndarray) -> np.ndarray | None:
    """Heat map of one picture; None without torch or captum, or for a net that knows no places."""
    try:
        import torch

        from candlelab.task.explain import heat_maps, overlay

        maps = heat_maps(run.model, {"image": torch.from_numpy(pixels)})
    except (ModuleNotFoundError, UserError):
        return None
    return np.asarray(overlay(pixels, maps)[0])


def app_of(desk: Desk) -> FastAPI:
    """Return the web application: Gradio's page at /, and beside it POST /answer and GET /about in plain JSON."""
    try:
        import gradio
        from fastapi import FastAPI, Request
        from fastapi.responses import JSONResponse
    except ModuleNotFoundError:
        raise UserError(MISSING) from None
    app = FastAPI(title=f"candlelab: {desk.run.folder.name}", docs_url=None, redoc_url=None)

    async def answer(request: Request) -> JSONResponse:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:  # not read to its end
                break
        status, said = json_answer(desk, bytes(body))
        return JSONResponse(said, status)

    async def about() -> JSONResponse:
        return JSONResponse(desk.about())

    answer.__annotations__["request"] = Request
    app.post("/answer", response_model=None)(answer)
    app.get("/about", response_model=None)(about)
    return gradio.mount_gradio_app(app, page_of(desk), path="/", max_file_size=LARGEST_PICTURE, ssr_mode=False)


def page_of(desk: Desk) -> Blocks:
    """Return Gradio's page: a tab for a picture where the net reads pictures alone, one for candles where it drew its own."""
    import gradio

    told = desk.about()
    with gradio.Blocks(analytics_enabled=False, title=f"candlelab: {told['run']}") as page:
        gradio.Markdown(f"# {told['run']}\n{NOT_ADVICE}")
        with gradio.Tabs():
            if desk.takes_pictures:
                with gradio.Tab("A picture of a chart"):
                    _picture_tab(desk)
            if desk.takes_candles:
                with gradio.Tab("Candles"):
                    _candles_tab(desk)
        if told["verdict"]:
            gradio.Markdown("\n".join(["## What its test said", *(f"- {line}" for line in told["verdict"])]))
    return page


def _picture_tab(desk: Desk) -> None:
    import gradio

    asked = gradio.Image(type="filepath", format="png", sources=["upload", "clipboard"], label="chart")
    words, shares = gradio.Markdown(), gradio.Label(label="probabilities")
    seen = gradio.Image(label="where it looked", interactive=False)

    def answered(path: str | None) -> tuple[Any, ...]:
        if path is None:
            return "", None, None
        data = Path(path).read_bytes()
        try:
            said = desk.picture(data, "picture")
            glow = desk.heat_map(data, "picture")
        except UserError as error:
            raise gradio.Error(str(error)) from None
        return in_sentence(said), said["probabilities"], None if glow is None else glow.transpose(1, 2, 0)

    asked.change(answered, asked, [words, shares, seen], api_name="picture")


def _candles_tab(desk: Desk) -> None:
    import gradio

    told = desk.about()
    gradio.Markdown(
        f"A csv file of {told['interval']} bars with time, open, high, low, close and volume, {told['bars_needed']} at least."
    )
    asked = gradio.File(file_types=[".csv"], label="candles")
    said = gradio.JSON(label="answers")

    def answered(path: str | None) -> Any:
        if path is None:
            return None
        try:
            return desk.candles(Path(path).read_bytes(), "candles")
        except UserError as error:
            raise gradio.Error(str(error)) from None

    asked.change(answered, asked, said, api_name="candles")


def in_sentence(said: dict[str, Any]) -> str:
    """Return the answer to a picture in words."""
    wide, high = said["size"]
    seen = f"({said['source']}, {wide}x{high} made {said['seen'][0]}x{said['seen'][1]})"
    sure = f"confidence {said['confidence']:.3f}"
    if said["answer"] == said["likeliest"]:
        return f"**{said['answer']}**, {sure} {seen}"
    return f"**{said['answer']}**: {said['likeliest']} is likeliest, {sure}; {said['reason']} {seen}"
