"""Interpret Amazon States Language: deterministically, in one thread, with AWS's event history.

[0025](docs/design/0025-an-engine-of-our-own.md) says how its parts work together. A run starts in
`statebag.local.workflow_run`.
"""
