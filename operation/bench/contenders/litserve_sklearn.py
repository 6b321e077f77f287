# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "joblib>=1.5",
#     "lib-ml[training]",
#     "litserve>=0.2.17",
# ]
#
# [tool.uv.sources]
# lib-ml = { path = "../../../lib-ml", editable = true }
# ///
"""LitServe with the unpickled pipeline, two workers."""

import os

import joblib
import litserve


class Reviews(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        self.pipeline = joblib.load(os.environ["BENCH_PIPELINE"])

    def decode_request(self, request: dict[str, list[str]]) -> list[str]:
        return request["texts"]

    def predict(self, texts: list[str]) -> list[float]:
        return self.pipeline.predict_proba(texts)[:, 1].tolist()

    def encode_response(self, positive: list[float]) -> dict[str, list[float]]:
        return {"positive": positive}


if __name__ == "__main__":
    server = litserve.LitServer(Reviews(), accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), generate_client_file=False, log_level="warning")
