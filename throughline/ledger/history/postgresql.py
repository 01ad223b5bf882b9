"""How a process connects to a history in PostgreSQL. Imported only where there is one: psycopg costs a start 0.2 s."""

from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, create_engine

from throughline.history_url import PostgresqlDatabase

_CONNECT_SECONDS: Final = 2  # libpq's shortest

RV = TypeVar("RV")


def engine(place: PostgresqlDatabase, timeout: float, pool: dict[str, Any]) -> Engine:
    """`timeout`: how long one statement may take, in seconds. `pool`: its options."""

    class Impatient(psycopg.Connection[Any]):
        """A stopped server keeps the connection open and says nothing: neither it nor TCP would end the wait."""

        def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
            try:
                return super().wait(gen, interval, _shorter(timeout, _patience))
            except psycopg.errors._WaitTimeout:
                self.pgconn.finish()
                raise psycopg.OperationalError(f"no answer within {_patience:g} s") from None

    _patience = timeout + 0.2  # the server's own limit comes first, and leaves the connection usable

    def connect() -> psycopg.Connection[Any]:
        return Impatient.connect(
            host=place.host,
            port=place.port,
            dbname=place.database,
            user=place.user,
            password=place.password or None,
            connect_timeout=_CONNECT_SECONDS,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=int((timeout + _CONNECT_SECONDS) * 1000),
            application_name="throughline",
            options=f"-c statement_timeout={max(1, int(timeout * 1000))} -c client_encoding=UTF8",
            prepare_threshold=None,  # a pooler between (pgbouncer) may give each transaction another connection
        )

    return create_engine("postgresql+psycopg://", creator=connect, hide_parameters=True, pool_pre_ping=True, **pool)


def _shorter(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)
