"""TRON's protocol as Protocol Buffers: `tron.proto`, and what `make protocol` makes of it."""
