"""A server that gives the same bytes to every request: answers that a real one seldom gives."""

import socket
from contextlib import contextmanager
from threading import Event, Thread

META = {"Last_Modified": "Sun, 22 Nov 2026 22:46:16 GMT", "ETag": '"x"'}
"""Headers that the client expects of every object."""


@contextmanager
def canned_server(answer, *, silent=False):
    """Serve `answer` on a free port; gives the endpoint and the requests' heads, as they come.

    With `silent`, requests are read and never answered, until the block ends.
    """
    requests, ended = [], Event()

    def serve(connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head and (received := connection.recv(65536)):
                head += received
            requests.append(head.decode("latin-1"))
            if silent:
                ended.wait()
            else:
                connection.sendall(answer)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the block has ended
                return
            workers.append(Thread(target=serve, args=(connection,)))
            workers[-1].start()

    workers = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        finally:
            ended.set()
            # Closing alone does not wake a thread that waits in accept().
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for worker in workers:
                worker.join()


def http_answer(status, body=b"", *, length=None, **headers):
    """The bytes of an HTTP answer; `length` is what its header says, where that is to differ."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body
