"""A server that answers each listing by a page that a test chooses, and other requests by 404."""

import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_ENTRY = (
    "<Contents><Key>{}</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified>"
    "<ETag>x</ETag><Size>3</Size></Contents>"
)
_NEXT = "<NextContinuationToken>{}</NextContinuationToken>"
_PAGE = (
    '<?xml version="1.0"?><ListBucketResult><Name>b</Name><KeyCount>{}</KeyCount>'
    "<IsTruncated>{}</IsTruncated>{}{}</ListBucketResult>"
)


def names(*numbers):
    """Keys below the prefix of the store."""
    return [f"p/m/{number:06}" for number in numbers]


@contextmanager
def listing_server(page):
    """Serve `page(number, token)`: keys, and the token of the next page or None at the end.

    Gives the endpoint and the paths that were asked for.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: else the other side waits 40 ms

        def do_GET(self):
            asked.append(self.path)
            found = re.search(r"[?&]continuation-token=([^&]*)", self.path)
            keys, token = page(len(asked), found and found[1])
            more = (
                "" if token is None else f"<NextContinuationToken>{token}</NextContinuationToken>"
            )
            entries = "".join(map(_ENTRY.format, keys))
            self.answer(
                200,
                _PAGE.format(
                    len(keys), "false" if token is None else "true", more, entries
                ).encode(),
            )

        def do_HEAD(self):
            self.answer(404, b"")

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        worker = Thread(target=server.serve_forever)
        worker.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            worker.join()
