"""The database's history as Alembic migrations; `HEAD` is the revision that this version works with."""

HEAD = "0012_gas_station"
