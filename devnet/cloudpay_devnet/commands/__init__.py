"""What this distribution adds to the `cloudpay` command: `demo` and `devnet`."""
