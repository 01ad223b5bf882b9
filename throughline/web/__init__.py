"""What api and monitor have in common as HTTP servers: connections, methods, headers of every answer.

It needs uvicorn and Starlette, which these two have; nothing else of this package imports it.
"""
