"""CloudPay: a self-hosted, non-custodial crypto payment gateway."""

__version__ = "0.1.0"
