"""Leads older AWS SDKs to Skylite. From botocore 1.31 on they know AWS_ENDPOINT_URL; Debian 12's does not."""

import functools
import importlib.machinery
import os
import sys

MODULE = "botocore.session"
ENDPOINT = 5  # the place of endpoint_url among create_client's arguments behind self


def _mend(session):
    """All clients and resources of boto3 come from Session.create_client."""
    from botocore import configprovider

    if hasattr(configprovider, "ConfiguredEndpointProvider"):
        return
    original = session.Session.create_client

    @functools.wraps(original)
    def create_client(self, *args, **kwargs):
        if len(args) <= ENDPOINT and not kwargs.get("endpoint_url"):
            kwargs["endpoint_url"] = os.environ.get("AWS_ENDPOINT_URL")
        return original(self, *args, **kwargs)

    session.Session.create_client = create_client


class _Finder:
    """Has the module found as always, and mended once it is loaded. So whichever botocore comes first is the one."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                _mend(module)

            spec.loader.exec_module = exec_module
        return spec


def point_boto_here():
    sys.meta_path.insert(0, _Finder)
