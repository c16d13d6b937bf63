"""A proxy that ends TLS itself, notes each request, and answers it: who asked what, from where."""

import datetime as dt
import re
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OK = (200, b"", {"ETag": '"x"', "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"})
SESSION = b"""<CreateSessionResult><Credentials><SessionToken>session</SessionToken>
<SecretAccessKey>s</SecretAccessKey><AccessKeyId>SESSIONKEY</AccessKeyId>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>"""
LISTING = b"""<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>
<IsTruncated>false</IsTruncated></ListBucketResult>"""
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


@dataclass
class Asked:
    """One request: `host` without its port, `path` without its query."""

    method: str
    host: str
    path: str
    query: str
    headers: dict = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def key(self):
        """The key, region and service that it was signed for."""
        found = _SCOPE.search(self.headers.get("authorization", ""))
        return found.groups() if found else None

    @property
    def place(self):
        """All that says where it went."""
        key = self.key
        return self.method, self.host, self.path, key[1:] if key else None


def answer_as_s3(asked):
    """What a bucket that has each object, empty, answers."""
    if "session" in asked.query:
        return 200, SESSION, {}
    if "list-type" in asked.query:
        return 200, LISTING, {"Content-Type": "application/xml"}
    return (204, b"", {}) if asked.method == "DELETE" else OK


def answer_to_botocore_alone(asked):
    """What the same bucket answers through a proxy that removes the length, except for botocore."""
    status, body, headers = answer_as_s3(asked)
    is_odd = asked.method == "HEAD" and "amz-sdk-request" not in asked.headers
    return status, body, {**headers, "Content-Length": None} if is_odd else headers


@dataclass
class RecordingProxy:
    """What runs: `url` is its own, `authority` the file of its certificate."""

    url: str
    authority: str
    asked: list
    answer: object = answer_as_s3

    def take(self):
        """The requests since the last time."""
        found, self.asked[:] = list(self.asked), []
        return found


@contextmanager
def recording_proxy(folder):
    """Serve until the block ends."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority", key, key, "authority", is_authority=True)
    file = folder / "authority.pem"
    file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    contexts, lock = {}, threading.Lock()

    def context_of(host):
        with lock:
            if host not in contexts:
                own = ec.generate_private_key(ec.SECP256R1())
                pem = folder / f"{len(contexts)}.pem"
                pem.write_bytes(
                    own.private_bytes(
                        serialization.Encoding.PEM,
                        serialization.PrivateFormat.PKCS8,
                        serialization.NoEncryption(),
                    )
                    + _certificate(host, own, key, "authority").public_bytes(
                        serialization.Encoding.PEM
                    )
                )
                contexts[host] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                contexts[host].load_cert_chain(pem)
            return contexts[host]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        inside = None

        def do_CONNECT(self):
            host = self.path.rpartition(":")[0]
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            try:
                self.connection = context_of(host).wrap_socket(self.connection, server_side=True)
            except OSError:
                self.close_connection = True
                return
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.inside, self.close_connection = host, False

        def handle(self):
            try:
                super().handle()
            except OSError:  # the other side closed it
                pass
            finally:
                if self.inside:
                    self.connection.close()

        def one(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            address, host = self.path, self.headers.get("Host", "")
            if "://" in address:  # to a server without TLS, through the proxy
                host, _, rest = address.partition("://")[2].partition("/")
                address = f"/{rest}"
            path, _, query = address.partition("?")
            asked = Asked(
                self.command,
                self.inside or host.partition(":")[0],
                path,
                query,
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
            proxy.asked.append(asked)
            status, data, headers = proxy.answer(asked)
            self.send_response(status)
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            if status != 204 and "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = one  # noqa: N815  # as http.server names them

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    proxy = RecordingProxy(f"http://127.0.0.1:{server.server_port}", str(file), [])
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(name, key, issuer_key, issuer, *, is_authority=False):
    now = dt.datetime.now(dt.UTC)
    # A name longer than 64 characters does not fit there, and nobody reads it there.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:60])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if is_authority:
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
