# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "granian>=2.5",
#     "flask>=3.1",
# ]
# ///
"""A floor: a Flask view that answers a constant, on granian with two workers."""

import os

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from granian import Granian
from granian.constants import Interfaces

app = Flask(__name__)


@app.post("/predict")
def predict() -> ResponseReturnValue:
    request.get_data()
    return jsonify(positive=0.5)


if __name__ == "__main__":
    port = int(os.environ["BENCH_PORT"])
    Granian("constant_flask:app", "127.0.0.1", port, interface=Interfaces.WSGI, workers=2, log_enabled=False).serve()
