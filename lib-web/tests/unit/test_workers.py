"""Who answers, and what the workers share."""

import os

from lib_web.server.stalled_bodies import Body, Requests
from lib_web.server.turns import Turns
from lib_web.workers import Worker, shared_folder, start_as, worker_of


class Pieces:
    """A request's body as granian gives it: no more than is asked for, nothing at the end."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def read(self, size: int) -> bytes:
        data, self.left = self.left[:size], self.left[size:]
        return data


def test_without_a_server_there_is_one_worker_with_a_folder_of_its_own(app):
    worker = worker_of(app)
    assert worker.number == 0
    assert worker.folder.is_dir()
    assert worker_of(app) is worker


def test_the_worker_is_the_one_that_a_server_started(app, tmp_path):
    start_as(Worker(3, tmp_path), app)
    assert worker_of(app) == Worker(3, tmp_path)


def test_the_folder_is_empty_private_and_gone_afterwards():
    with shared_folder() as folder:
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_two_programs_at_once_leave_each_other_their_folder():
    with shared_folder() as first, shared_folder() as second:
        assert first.exists()
        assert first != second


def test_a_child_that_leaves_does_not_take_the_folder_along():
    with shared_folder() as folder:
        pid = os.fork()
        if not pid:
            try:
                raise SystemExit
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        assert folder.exists()


def test_a_body_is_read_by_pieces_and_to_its_end():
    body = Body(Pieces(b"abcdefg"), "7", Requests(0, Turns(1)))
    assert (body.read(3), body.read(), body.read(5)) == (b"abc", b"defg", b"")


def test_a_body_in_chunks_ends_where_less_comes_than_was_asked_for():
    pieces = Pieces(b"abc")
    body = Body(pieces, None, Requests(0, Turns(1)))
    assert body.read(10) == b"abc"
    pieces.left = b"the next request"
    assert body.read(10) == b""


def test_what_the_app_left_of_a_body_is_dropped_unless_it_is_too_much():
    small, large = Pieces(b"a" * 200_000), Pieces(b"a" * 10)
    Body(small, "200000", Requests(0, Turns(1))).drop()
    Body(large, "3000000", Requests(0, Turns(1))).drop()
    assert (small.left, len(large.left)) == (b"", 10)
