"""Counts and limits of the real service with its two workers: who answers, who dies, what is forged."""

import http.client
import json
import os
import signal
import threading

import pytest

TOKENS = {
    "MODEL_SERVICE_AUTH__TOKENS": '{{"kiosk": "hGx5w9-for-tests-only-0123456789abcdef"}}',
}
BEARER = {"Authorization": "Bearer hGx5w9-for-tests-only-0123456789abcdef"}
LIMIT = 200
SECONDS = 30  # longer than a flood takes on a busy machine
CLIENTS = 50


def statistics(service, api: str) -> dict:
    status, _, reply = service.ask("GET", f"/api/v1/statistics?api={api}&window=hour&history=2", headers=BEARER)
    assert status == 200, reply
    return json.loads(reply)


def this_hour(service, api: str) -> int:
    """The count of this hour and the one before: the hour may end in between."""
    answer = statistics(service, api)
    return sum(each["calls"] for each in answer["history"])


def answering(service) -> int:
    """How many workers are there."""
    return len(service.workers())


@pytest.fixture(params=["granian", "gunicorn"])
def server(request):
    return request.param


def test_a_count_is_exact_at_once_whoever_answered_and_lives_through_kill_and_restart(start_service, server):
    with start_service(MODEL_SERVICE_SERVER=server, MODEL_SERVICE_WORKERS="2", **TOKENS) as service:
        service.wait_until(lambda: answering(service) == 2)
        for calls in range(1, 61):
            assert service.ask("GET", "/models", headers=BEARER)[0] == 200
            assert this_hour(service, "models") == calls
        for number in (0, 1):
            pids = set(service.workers())
            os.kill(sorted(pids)[number], signal.SIGKILL)
            service.wait_until(lambda pids=pids: len(set(service.workers()) - pids) == 1 and answering(service) == 2)
        service.wait_until_ready()
        assert this_hour(service, "models") == 60, "both workers were killed between two looks"
        for _ in range(10):
            service.ask("GET", "/models", headers=BEARER)
        assert this_hour(service, "models") == 70
        service.stop()
        service.restart()
        assert this_hour(service, "models") == 70
        service.ask("GET", "/models", headers=BEARER)
        assert this_hour(service, "models") == 71
        _, _, answer = service.ask("GET", "/api/v1/usage?days=2", headers=BEARER)
        assert sum(day["calls"] for day in json.loads(answer)["days"]) == 71 + 64, "those to the statistics too"
        service.kill()
        service.restart()
        # Of a whole program that is killed, the last second may be gone.
        assert 70 <= this_hour(service, "models") <= 71


def test_many_clients_at_once_are_all_counted(start_service):
    with start_service(MODEL_SERVICE_WORKERS="2", **TOKENS) as service:
        threads = [
            threading.Thread(target=lambda: [service.ask("GET", "/models") for _ in range(25)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert this_hour(service, "models") == 200


def flood(service, clients: int, calls: int, headers, meanwhile=lambda: None) -> list[int]:
    """The statuses that so many clients are told in so many calls each; `meanwhile` is called after some 20."""
    statuses: list[int] = []
    begun = threading.Event()

    def call(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        for index in range(calls):
            connection.request("GET", "/models", headers=headers(number * calls + index))
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
            if response.status == 429:
                assert int(response.headers["Retry-After"]) >= 1
            if len(statuses) >= 20:
                begun.set()
        connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    begun.wait(30)
    meanwhile()
    for thread in threads:
        thread.join()
    return statuses


def forged(index: int) -> dict[str, str]:
    address = f"10.{index % 200}.{index // 200}.7"
    return {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}", "Client-IP": address}


@pytest.mark.parametrize("headers", [lambda _: {}, forged, lambda _: BEARER], ids=["honest", "forged", "token"])
def test_three_times_the_limit_from_fifty_clients_lets_the_limit_through(start_service, server, headers):
    limits = {f"MODEL_SERVICE_LIMITS__PER_{by}": f"{LIMIT}/{SECONDS} seconds" for by in ("TOKEN", "ADDRESS")}
    with start_service(MODEL_SERVICE_SERVER=server, MODEL_SERVICE_WORKERS="2", **TOKENS, **limits) as service:
        service.wait_until(lambda: answering(service) == 2)
        statuses = flood(service, CLIENTS, 3 * LIMIT // CLIENTS, headers)
        assert set(statuses) == {200, 429}
        assert LIMIT * 0.98 <= statuses.count(200) <= LIMIT * 1.02


def test_a_trusted_proxy_names_the_client_and_what_a_client_forges_before_it_is_not_believed(start_service):
    limits = {
        "MODEL_SERVICE_LIMITS__PER_ADDRESS": "5/minute",
        "MODEL_SERVICE_LIMITS__TRUSTED_PROXIES": '["127.0.0.0/8"]',
    }
    with start_service(**limits) as service:

        def ask(forwarded_for: str) -> int:
            return service.ask("GET", "/models", headers={"X-Forwarded-For": forwarded_for})[0]

        assert [ask(f"10.9.9.{index}, 203.0.113.5") for index in range(7)] == [200] * 5 + [429] * 2
        assert ask("203.0.113.6") == 200, "another client of the same proxy"
        assert [ask(f"2001:db8:1:2::{index}") for index in range(7)] == [200] * 5 + [429] * 2


def test_redis_killed_in_the_middle_costs_no_request_and_the_limit_holds(start_service, redis_server):
    settings = {
        "MODEL_SERVICE_WORKERS": "2",
        "MODEL_SERVICE_LIMITS__PER_ADDRESS": f"{LIMIT}/{SECONDS} seconds",
        "MODEL_SERVICE_LIMITS__STORE_URL": redis_server.url,
        "MODEL_SERVICE_STATISTICS__STORE_URL": redis_server.url,
    }
    with start_service(**settings, **TOKENS) as service:
        service.wait_until(lambda: answering(service) == 2)
        early = flood(service, CLIENTS, 1, lambda _: {})
        assert early.count(200) == 50
        statuses = early + flood(service, CLIENTS, 10, lambda _: {}, meanwhile=redis_server.kill)
        assert set(statuses) == {200, 429}, "no 5xx while Redis dies"
        assert LIMIT * 0.98 <= statuses.count(200) <= LIMIT * 1.02
        answer = service.wait_until(lambda: (found := statistics(service, "models")).get("incomplete") and found)
        assert sum(each["calls"] for each in answer["history"]) == len(statuses)
        redis_server.start()
        service.wait_until(lambda: "incomplete" not in statistics(service, "models"))
        assert this_hour(service, "models") == len(statuses)
        service.wait_until(lambda: "limits_with_redis_again" in service.log.read_text())
        assert service.ask("GET", "/models")[0] == 429, "a Redis that comes back empty gives nobody the limit anew"
