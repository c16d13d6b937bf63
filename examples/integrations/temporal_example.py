"""A data converter that keeps large payloads in a store: pip install 'statebag[temporal]'."""

import dataclasses

from temporalio.converter import DataConverter, ExternalStorage

from statebag import Statebag
from statebag.integrations.temporal import PayloadEndpoints, StatebagDriver

# In production: Statebag() with STATEBAG_STORE and STATEBAG_SIGNING_KEYS.
DRIVER = StatebagDriver(
    Statebag(
        "memory://temporal-example", signing_keys={"2026": b"0123456789abcdef0123456789abcdef"}
    )
)

# Pass it as Client.connect(..., data_converter=DATA_CONVERTER), in workers and clients.
DATA_CONVERTER = dataclasses.replace(
    DataConverter.default, external_storage=ExternalStorage(drivers=[DRIVER])
)

# For the web UI: serve it behind your own authentication, with any WSGI server.
ENDPOINTS = PayloadEndpoints([DRIVER])
