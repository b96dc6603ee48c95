"""The HTTP interface of a full node: `/wallet/…` at the head, `/walletsolidity/…` at the last solid block."""
