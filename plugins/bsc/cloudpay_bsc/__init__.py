"""BNB Smart Chain and its test net, over the EVM plugin."""
