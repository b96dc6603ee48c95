"""The WSGI application, for any server that takes `wsgi:app`."""

from cloudpay.app import create_app

app = create_app()
