"""Server: the OpenAI HTTP API over one index, thin over the library.

routes (one per resource) -> services (threads, runs, responses) -> objects, stores, files, run.
`wire` holds what goes over the wire, as pydantic models; it knows nothing of the rest.
"""
