"""`python -m cloudpay.cli`: how the supervisor starts its children, whatever is on PATH."""

from cloudpay.cli import main

main()
