"""A thousand models, one after the other, under load, in both workers of a real server."""

import http.client
import itertools
import json
import threading
import time
from statistics import median

import pytest
from real_process import resident_kib

ALIAS = "sentiment/v1"
SWAPS = 1_000
BODY = json.dumps({"text": "The soup was cold, but the waiter was lovely."}).encode()


class Client(threading.Thread):
    """Asks on one kept connection until told to stop; remembers what went wrong and which models answered."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.asked = 0
        self.failures: list[object] = []
        self.models: set[str] = set()
        self.stopping = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.stopping.is_set():
            try:
                connection.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
                reply = connection.getresponse()
                answer = reply.read()
            except OSError as error:
                self.failures.append(error)
                connection.close()
                continue
            self.asked += 1
            if reply.status == 200:
                self.models.add(json.loads(answer)["model"]["sha256"])
            else:
                self.failures.append(reply.status)
        connection.close()


def swaps(service) -> int:
    """How often a worker has swapped the primary model, all workers together."""
    text = service.ask("GET", "/metrics")[2].decode()
    lines = (line for line in text.splitlines() if line.startswith(f'palate_model_swaps_total{{alias="{ALIAS}"}}'))
    return int(sum(float(line.split()[-1]) for line in lines))


def workers_memory_kib(service) -> int:
    """What the workers hold together."""
    workers = service.get("/models")[1]["models"][0]["workers"]
    assert len(workers) == 2
    return sum(resident_kib(worker["pid"]) for worker in workers)


@pytest.mark.timeout(240)
def test_a_thousand_swaps_under_load_fail_no_request_and_leave_memory_flat(start_service, registry, bundles):
    wanted = [registry.publish(bundles[name], ALIAS) for name in ("first", "second", "rich")]
    with start_service(MODEL_SERVICE_POLL_INTERVAL_S="0.005", MODEL_SERVICE_WORKERS="2") as service:
        service.wait_until(lambda: service.get("/readyz")[0] == 200)
        clients = [Client(service.port) for _ in range(2)]
        for client in clients:
            client.start()
        memory_kib: list[int] = []
        deadline = time.monotonic() + 120
        order = itertools.cycle(wanted)
        while (done := swaps(service)) < SWAPS and time.monotonic() < deadline:
            memory_kib.append(workers_memory_kib(service))
            for _ in range(10):
                registry.point(ALIAS, next(order))
                time.sleep(0.01)
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join()
    assert done >= SWAPS
    assert [client.failures for client in clients] == [[], []]
    assert set().union(*(client.models for client in clients)) == set(wanted)
    # The first half fills what is filled once, in steps of a megabyte or two; a leak would go on.
    quarter = len(memory_kib) // 4
    third, last = memory_kib[2 * quarter : 3 * quarter], memory_kib[3 * quarter :]
    assert median(last) - median(third) < 4_000, memory_kib
