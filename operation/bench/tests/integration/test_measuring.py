"""One real server under real load for a second."""

from contextlib import contextmanager

import pytest
from real_process import free_port
from serving_bench.contenders import CONTENDERS
from serving_bench.load import batch_texts_per_s, load
from serving_bench.server import Server
from serving_bench.trained import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(tmp_path_factory.mktemp("bench"))


@contextmanager
def started(name, trained):
    server = Server(next(each for each in CONTENDERS if each.name == name), trained, free_port())
    try:
        yield server
    finally:
        server.stop()


def test_our_service_gives_the_pipelines_answers_and_is_measured(trained, tmp_path):
    with started("Palate model-service", trained) as server:
        server.check()
        run = load(server, trained.texts[:50], tmp_path, seconds=1)
        assert run.failed == 0
        assert run.requests_per_s > 0
        assert 0 < run.p50_ms <= run.p99_ms
        assert run.cpu_us > 0
        assert server.pss_bytes() > 0
        assert batch_texts_per_s(server, trained.texts) > 0


def test_a_server_that_gives_other_answers_is_refused(trained):
    with started("Palate model-service", trained) as server:
        trained.pipeline.named_steps["classifier"].intercept_ += 0.1
        try:
            with pytest.raises(ValueError, match="off the pipeline"):
                server.check()
        finally:
            trained.pipeline.named_steps["classifier"].intercept_ -= 0.1
