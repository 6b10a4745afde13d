"""The real `prefect.Flow` that a flow becomes in the Prefect modes."""

from __future__ import annotations

import copy
import threading
from typing import Any, Final, Self, cast

import prefect
from prefect.flow_engine import run_flow

from prefectx._api.flow import Flow
from prefectx._logs.handlers import ensure_logs
from prefectx._naming.signature import Signature
from prefectx._runners.prefect.logs import connect
from prefectx._runners.prefect.server import api
from prefectx._settings.options import FlowOptions
from prefectx._values.item import load
from prefectx._values.kinds import is_iterator
from prefectx._values.references import imported, is_importable

_becoming: Final = threading.Lock()


# `with_options` is ours: it takes fewer kinds of values than Prefect's and gives a flow of ours.
class PrefectFlow(Flow[..., Any], prefect.Flow[..., Any]):  # type: ignore[misc]
    """A flow of ours that is one of Prefect's: `serve`, `deploy` and all else work on it."""

    @classmethod
    def of(cls, flow: Flow[..., Any]) -> PrefectFlow:
        """Make `flow` itself a real `prefect.Flow`, if it is not one yet; return it."""
        ensure_logs(connect)
        with _becoming:
            if isinstance(flow, PrefectFlow):
                return flow
            real = object.__new__(cls)
            real.__dict__.update(flow.__dict__)
            # Called by its class, which has no type arguments then.
            prefect.Flow.__init__(  # pyright: ignore[reportUnknownMemberType]
                real, real.function, **real.given_options
            )
            # Only now: from the function's own file Prefect finds out the version and entrypoint.
            real.fn = real.body
            # Another thread may use the flow meanwhile: it becomes a whole one at once.
            flow.__dict__.update(real.__dict__)
            flow.__class__ = cls
        return cast("PrefectFlow", flow)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # By reference, or it would be sent with all the globals that its function names.
        origin = self._origin or self
        if not is_importable(origin):
            return super().__reduce_ex__(protocol)
        if origin is self:
            return (_found, (self.__module__, self.__qualname__))
        return (_varied, (origin, self.given_options, self._bound))

    def __copy__(self) -> Self:
        one = object.__new__(type(self))
        one.__dict__.update(self.__dict__)
        one._origin = self._origin or self
        return one

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the flow in Prefect's engine."""
        return_type = "state" if kwargs.pop("return_state", False) else "result"
        wait_for = kwargs.pop("wait_for", None)
        parameters = Signature(self.function).binder()(*args, **kwargs)
        run = self._acall if self.isasync and not self.isgenerator else self._call
        return run(parameters=parameters, wait_for=wait_for, return_type=return_type)

    def _call(self, **how: Any) -> Any:
        with api():
            return run_flow(self._direct(), **how)

    async def _acall(self, **how: Any) -> Any:
        with api():
            return await run_flow(self._direct(), **how)  # type: ignore[misc]

    def _direct(self) -> PrefectFlow:
        """Return this flow for a call from Python, where arguments need no conversion.

        Runs of deployments get their parameters as JSON, and Prefect converts those by the
        function's annotations. A call's arguments are what they are in every mode.
        """
        if "validate_parameters" in self.given_options:
            return self
        direct = copy.copy(self)
        direct.should_validate_parameters = False
        return direct

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return what the API is told of the parameters; an iterator would be used up by it."""
        told = {
            name: f"<{type(value).__name__}>" if is_iterator(value) else value
            for name, value in parameters.items()
        }
        return super().serialize_parameters(told)

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Convert parameters by the function's annotations, on data: an Item fits none."""
        plain = copy.copy(self)
        # Its annotations may be strings, which mean what they mean where the function stands.
        plain.fn = self.function
        return super(PrefectFlow, plain).validate_parameters(load(parameters))


def _found(module: str, qualified_name: str) -> PrefectFlow:
    return PrefectFlow.of(imported(module, qualified_name))


def _varied(origin: Flow[..., Any], options: FlowOptions, bound: tuple[object, ...]) -> PrefectFlow:
    return PrefectFlow.of(origin.with_options(**options).bound_to(bound))
