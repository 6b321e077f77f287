"""The Open Inference Protocol, by Triton's own client against the real server, and as raw JSON."""

import struct

import numpy as np
import pytest
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
from model_service.domain import MODERATION_LABELS
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

TEXTS = ["The soup was cold.", "Ein schöner Abend, good food", "good"]
V2 = "/v2/models/sentiment"


def tensor(data: list, shape: list[int] | None = None, **more: object) -> dict:
    return {"name": "text", "datatype": "BYTES", "shape": shape or [len(data)], "data": data} | more


def infer(client, *, path: str = f"{V2}/infer", **request: object):
    return client.post(path, json=request)


def expected(client) -> list[dict]:
    return [client.post("/predict", json={"text": text}).json for text in TEXTS]


@pytest.fixture(scope="module")
def real_client(shared_service):
    with triton.InferenceServerClient(f"127.0.0.1:{shared_service.port}") as client:
        yield client


def test_triton_s_client_finds_the_server_and_the_model(real_client):
    assert real_client.is_server_live()
    assert real_client.is_server_ready()
    assert real_client.is_model_ready("sentiment")
    assert real_client.is_model_ready("sentiment", "v1")
    assert not real_client.is_model_ready("nothing")
    assert "binary_tensor_data" in real_client.get_server_metadata()["extensions"]
    metadata = real_client.get_model_metadata("sentiment")
    assert metadata["versions"] == ["v1"]
    assert metadata["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert metadata["parameters"]["labels"] == ["negative", "positive"]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
@pytest.mark.parametrize("column", [True, False])
def test_triton_s_client_gets_the_verdicts_of_predict(real_client, shared_service, binary_in, binary_out, column):
    shape = [len(TEXTS), 1] if column else [len(TEXTS)]
    sent = triton.InferInput("text", shape, "BYTES")
    sent.set_data_from_numpy(np.array(TEXTS, dtype=object).reshape(shape), binary_data=binary_in)
    outputs = None
    if binary_out is not None:
        outputs = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("label", "probabilities")]
    result = real_client.infer("sentiment", [sent], outputs=outputs, request_id="a1")
    verdicts = [shared_service.post("/predict", {"text": text})[1] for text in TEXTS]
    labels = [each.decode() if isinstance(each, bytes) else each for each in result.as_numpy("label")]
    assert labels == [verdict["label"] for verdict in verdicts]
    assert result.as_numpy("probabilities") == pytest.approx(
        np.array([list(verdict["labels"].values()) for verdict in verdicts]), abs=1e-12
    )
    assert result.get_response()["id"] == "a1"


def test_triton_s_client_gets_every_network_s_probabilities(start_service, moderated, moderators):
    assert moderated.root.is_dir()
    with start_service() as service, triton.InferenceServerClient(f"127.0.0.1:{service.port}") as client:
        service.wait_until(lambda: client.is_model_ready("mlp") and client.is_model_ready("logistic"))
        for name, folder in moderators.items():
            scorer = Scorer(load_bundle(folder))
            assert client.get_model_metadata(name)["parameters"]["labels"] == list(MODERATION_LABELS)
            sent = triton.InferInput("text", [len(TEXTS)], "BYTES")
            sent.set_data_from_numpy(np.array(TEXTS, dtype=object))
            result = client.infer(name, [sent])
            expected = np.array([scorer.probabilities(text) for text in TEXTS])
            assert result.as_numpy("probabilities") == pytest.approx(expected, abs=1e-12)
            likeliest = [scorer.labels[place] for place in expected.argmax(axis=1)]
            assert [label.decode() for label in result.as_numpy("label")] == likeliest


def test_triton_s_client_may_compress_and_hears_what_is_wrong(real_client):
    sent = triton.InferInput("text", [1], "BYTES")
    sent.set_data_from_numpy(np.array(["good soup"], dtype=object))
    compressed = {"request_compression_algorithm": "gzip", "response_compression_algorithm": "gzip"}
    assert real_client.infer("sentiment", [sent], **compressed).as_numpy("label").shape == (1,)
    with pytest.raises(InferenceServerException, match=r"No model has that name; there are: .*sentiment"):
        real_client.infer("nothing", [sent])
    sent.set_data_from_numpy(np.array([" "], dtype=object))
    with pytest.raises(InferenceServerException, match=r"inputs.0.data.0: Must not be blank"):
        real_client.infer("sentiment", [sent])


@pytest.mark.parametrize("nested", [True, False])
def test_raw_json_needs_no_content_type_and_may_be_nested(client, nested):
    data = [[text] for text in TEXTS] if nested else TEXTS
    sent = tensor(data, [3, 1] if nested else [3], parameters={"content_type": "str"})
    reply = infer(client, id="x-1", inputs=[sent], parameters={"unheard_of": 1}, sauce=[])
    assert reply.status_code == 200
    verdicts = expected(client)
    assert reply.json == {
        "model_name": "sentiment",
        "model_version": "v1",
        "id": "x-1",
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [3], "data": [each["label"] for each in verdicts]},
            {
                "name": "probabilities",
                "datatype": "FP64",
                "shape": [3, 2],
                "data": [share for each in verdicts for share in each["labels"].values()],
            },
        ],
    }


def test_only_the_outputs_that_were_asked_for_come_back_in_their_order(client):
    reply = infer(client, inputs=[tensor(["a"])], outputs=[{"name": "probabilities"}])
    assert [output["name"] for output in reply.json["outputs"]] == ["probabilities"]
    assert "id" not in reply.json


def test_the_version_may_be_named(client):
    sent = [tensor(["good"])]
    assert infer(client, path=f"{V2}/versions/v1/infer", inputs=sent).status_code == 200
    assert client.get(f"{V2}/versions/v1").json["name"] == "sentiment"
    for path in (f"{V2}/versions/v7", f"{V2}/versions/v7/ready", "/v2/models/nothing", "/v2/models/nothing/ready"):
        reply = client.get(path)
        assert (reply.status_code, reply.mimetype) == (404, "application/problem+json")
        assert reply.json["error"].startswith(reply.json["detail"])


BAD = {
    "no inputs": ({"inputs": []}, "inputs"),
    "two inputs": ({"inputs": [tensor(["a"])] * 2}, "inputs"),
    "numbers": ({"inputs": [tensor([1]) | {"datatype": "FP32"}]}, "inputs.0.datatype"),
    "no data": ({"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1]}]}, "inputs.0.shape"),
    "shape too long": ({"inputs": [tensor(["a"], [2])]}, "inputs.0.shape"),
    "two columns": ({"inputs": [tensor(["a", "b"], [1, 2])]}, "inputs.0.shape"),
    "a negative shape": ({"inputs": [tensor(["a"], [-1, -1])]}, "inputs.0.shape"),
    "no texts": ({"inputs": [tensor([], [0])]}, "inputs.0.data"),
    "a number among texts": ({"inputs": [tensor(["a", 7])]}, "inputs.0.data.1"),
    "a row of two": ({"inputs": [tensor([["a", "b"]])]}, "inputs.0.data.0"),
    "a text too long": ({"inputs": [tensor(["a" * 2_001])]}, "inputs.0.data.0"),
    "too many texts": ({"inputs": [tensor(["a"] * 10_001)]}, "inputs.0.data"),
    "an unknown output": ({"inputs": [tensor(["a"])], "outputs": [{"name": "logits"}]}, "outputs.0.name"),
    "bytes that are not there": (
        {"inputs": [tensor(["a"], parameters={"binary_data_size": 5})]},
        "inputs.0.parameters.binary_data_size",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_request_that_does_not_fit_is_refused_in_both_shapes(client, name):
    request, field = BAD[name]
    reply = infer(client, **request)
    assert (reply.status_code, reply.mimetype) == (422, "application/problem+json")
    assert reply.json["errors"][0]["field"] == field
    assert field in reply.json["error"]


def binary(client, texts: bytes, size: object, length: object = None):
    sent = {"name": "text", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": size}}
    header = client.application.json.dumps({"inputs": [sent]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(header) if length is None else length)}
    return client.post(f"{V2}/infer", data=header + texts, headers=headers)


def test_bytes_that_are_no_texts_are_refused(client):
    packed = struct.pack("<I", 4) + b"good"
    assert binary(client, packed, len(packed)).status_code == 200
    for broken, status in (
        (struct.pack("<I", 2_000_000_000) + b"good", 400),
        (b"\4\0", 400),
        (struct.pack("<I", 1) + b"\xff", 400),
    ):
        reply = binary(client, broken, len(broken))
        assert (reply.status_code, reply.json["type"]) == (status, "/problems/request-not-decodable")
    for size in (-1, 7, "8", None, 1.5):
        assert binary(client, packed, size).status_code == 422
    for length in ("x", "-1", "9" * 30, 10_000, "\u0661"):
        assert binary(client, packed, len(packed), length).status_code in {400, 422}


def test_other_content_types_and_methods_are_refused_in_both_shapes(client):
    for reply in (
        client.post(f"{V2}/infer", data=b"text=a", content_type="text/plain"),
        client.get(f"{V2}/infer"),
        client.post(f"{V2}/infer", data=b"{", content_type="application/json"),
    ):
        assert reply.mimetype == "application/problem+json"
        assert reply.status_code in {400, 405, 415}
    assert "error" in client.post(f"{V2}/infer", data=b"{").json


def test_many_texts_may_be_longer_together_than_one(client):
    reply = infer(client, inputs=[tensor(["good soup " * 150] * 1_000)])
    assert (reply.status_code, reply.json["outputs"][1]["shape"]) == (200, [1_000, 2])
