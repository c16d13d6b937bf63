"""Where telemetry goes: CloudWatch metrics, lines of JSON, OpenTelemetry spans."""
