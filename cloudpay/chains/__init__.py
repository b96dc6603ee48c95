"""The seam between the core and the chain plugins: hook specifications, adapter, values, registry."""
