# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "fastapi>=0.120",
#     "joblib>=1.5",
#     "lib-ml[training]",
#     "uvicorn[standard]>=0.38",
# ]
#
# [tool.uv.sources]
# lib-ml = { path = "../../../lib-ml", editable = true }
# ///
"""FastAPI with the unpickled pipeline, on two uvicorn workers."""

import os

import joblib
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

pipeline = joblib.load(os.environ["BENCH_PIPELINE"])
app = FastAPI()


class Review(BaseModel):
    text: str


class Reviews(BaseModel):
    texts: list[str]


# `async`, though it computes: FastAPI would hand a plain function to a thread, which costs more than the answer.
@app.post("/predict")
async def predict(review: Review) -> dict[str, float]:
    return {"positive": float(pipeline.predict_proba([review.text])[0, 1])}


@app.post("/predict-many")
async def predict_many(reviews: Reviews) -> dict[str, list[float]]:
    return {"positive": pipeline.predict_proba(reviews.texts)[:, 1].tolist()}


if __name__ == "__main__":
    port = int(os.environ["BENCH_PORT"])
    uvicorn.run("fastapi_sklearn:app", port=port, workers=2, log_level="warning", access_log=False)
