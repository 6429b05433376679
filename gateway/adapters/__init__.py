"""Effects: databases, processes, providers, files. Each implements a port of `gateway.pipeline.ports`."""
