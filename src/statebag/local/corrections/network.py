"""No request of boto3 leaves this process, except S3's to the endpoint that the environment names.

moto answers the clients that were made after it was imported. A handler's module often makes its
clients while it is imported, which is earlier: those would reach AWS, with real credentials. And
`AWS_ENDPOINT_URL`, meant for S3, would draw the requests of every other service to itself. So all
requests are looked at again where they are about to be sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session
from moto.core.models import botocore_stubber

from statebag.environment import s3_endpoint
from statebag.local.corrections.patch import Patch

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["patches"]

# The scope that a request is signed for names its region and service (Signature Version 4).
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""
    send_out = URLLib3Session.send
    endpoint = s3_endpoint()

    def send(self: Any, request: Any) -> Any:
        signed = request.headers.get("Authorization", "")
        text = signed.decode() if isinstance(signed, bytes) else signed
        scope = _SCOPE.search(text)
        service = scope["service"] if scope else "s3"
        if endpoint is not None and f"{request.url}/".startswith(f"{endpoint}/"):
            if service == "s3":
                return send_out(self, request)
            region = scope["region"] if scope else run.region
            path = request.url[len(endpoint) :] or "/"
            request.url = f"https://{service}.{region}.amazonaws.com{path}"
        answer = botocore_stubber("before-send", request)
        if answer is None:
            raise EndpointConnectionError(endpoint_url=urlsplit(request.url).netloc)
        return answer

    return [Patch(URLLib3Session, "send", send)]
