# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "joblib>=1.5",
#     "lib-ml[training]",
#     "mlserver>=1.7.1",
#     "uvloop<0.22",
# ]
#
# [tool.uv.sources]
# lib-ml = { path = "../../../lib-ml", editable = true }
# ///
"""MLServer with the unpickled pipeline; BENCH_WORKERS: its inference processes, 0 for scoring in its HTTP process."""

import asyncio
import os

import joblib
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse


class Reviews(MLModel):
    async def load(self) -> bool:
        self._pipeline = joblib.load(os.environ["BENCH_PIPELINE"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        texts = StringCodec.decode_input(payload.inputs[0])
        positive = self._pipeline.predict_proba(texts)[:, 1]
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("positive", positive)])


async def serve() -> None:
    port = int(os.environ["BENCH_PORT"])
    settings = Settings(
        host="127.0.0.1",
        http_port=port,
        grpc_port=port + 1,
        metrics_port=port + 2,
        parallel_workers=int(os.environ["BENCH_WORKERS"]),
        debug=False,
    )
    server = MLServer(settings)
    parameters = ModelParameters(uri=".")
    await server.start([ModelSettings(name="reviews", implementation=Reviews, parameters=parameters)])


if __name__ == "__main__":
    asyncio.run(serve())
