"""The three modes of Prefect, and what they need of it."""

from importlib import import_module

from prefectx.errors import MissingExtra

try:
    import_module("prefect")
except ModuleNotFoundError as error:
    if error.name != "prefect":
        raise
    message = (
        'this mode needs Prefect: pip install "prefectx[prefect]". The modes function and cache'
        " work without it."
    )
    raise MissingExtra(message) from error
