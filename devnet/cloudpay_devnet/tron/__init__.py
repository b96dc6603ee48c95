"""A local TRON node: accounts, contracts and blocks as the main net has them, without a network."""
