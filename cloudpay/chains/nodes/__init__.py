"""What plugins that speak to nodes over HTTP share: one kept-alive node, its health, failover among several."""
