"""Many rows in one INSERT, and the last row of each writer."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, String, Table, text

Row = tuple[str | int | bytes, ...]
_KINDS = {BigInteger: "int8", Integer: "int4", LargeBinary: "bytea", String: "text"}
_MANY = 4
_MOST_VALUES = 30_000
"""Both databases take no more in one statement than about this many values (32,766 and 65,535)."""

# Both skip from one writer to the next along the index, instead of reading every row.
_LAST_OF_EACH = """
WITH RECURSIVE each_writer(writer) AS (
    SELECT min(writer) FROM {table}
    UNION ALL
    SELECT (SELECT min(writer) FROM {table} WHERE writer > each_writer.writer) FROM each_writer WHERE writer IS NOT NULL
)
SELECT writer, (SELECT max(sequence) FROM {table} WHERE {table}.writer = each_writer.writer)
FROM each_writer WHERE writer IS NOT NULL
"""


def last_of_each(connection: Connection, table: str) -> list[tuple[str, int]]:
    """Each writer's last sequence number in a table."""
    rows = connection.execute(text(_LAST_OF_EACH.format(table=table)))
    return [(str(writer), int(last)) for writer, last in rows]


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[Row], *, ignore: bool = False, replace: bool = False
) -> None:
    """Insert rows with a value for each column, past the statement compiler: for each new number of rows it would take
    longer than the disk. `ignore` those that are there, or `replace` them."""
    ending = _replacing(table) if replace else " ON CONFLICT DO NOTHING" if ignore else ""
    if connection.dialect.name == "postgresql" and len(rows) >= _MANY:
        lists = tuple([list(column) for column in zip(*rows, strict=True)])
        connection.exec_driver_sql(_unnested(table, ending), lists)
        return
    columns = tuple(column.name for column in table.columns)
    most = _MOST_VALUES // len(columns)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    for at in range(0, len(rows), most):
        part = rows[at : at + most]
        values = tuple(value for row in part for value in row)
        connection.exec_driver_sql(_statement(table.name, columns, len(part), mark, ending), values)


@functools.lru_cache(maxsize=64)
def _unnested(table: Table, ending: str) -> str:
    """A statement that takes a list for each column: always the same text, which the driver neither reads anew for each
    number of rows nor fills in value by value. That took it longer than all else that is done to a record."""
    columns = ", ".join(column.name for column in table.columns)
    lists = ", ".join(f"%b::{_KINDS[type(column.type)]}[]" for column in table.columns)
    return f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({lists}){ending}"  # noqa: S608 - as below


@functools.cache
def _replacing(table: Table) -> str:
    keys = ", ".join(column.name for column in table.primary_key)
    rest = ", ".join(f"{each.name} = excluded.{each.name}" for each in table.columns if not each.primary_key)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {rest}"


@functools.lru_cache(maxsize=1024)
def _statement(table: str, columns: tuple[str, ...], rows: int, mark: str, ending: str) -> str:
    """The statement for a number of rows. Names come from `tables`, never from a request."""
    row = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}{ending}"  # noqa: S608 - above
