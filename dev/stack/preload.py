"""Imported by the fork server: the modules and look-ups that a worker otherwise needs when it is built and started."""

import inspect
import sys

import faust.app.router
import faust.assignor.partition_assignor
import faust.fixups
import faust.stores
import faust.tables.objects
import faust.transport.drivers
import faust.transport.utils
import faust.web.apps.production_index
import faust.web.cache.backends
import faust.web.drivers
import uvloop  # noqa: F401

# Faust looks drivers up among the entry points of all distributions, once for each kind
faust.stores.by_url("rocksdb://")
faust.transport.drivers.by_url("kafka://")
faust.web.drivers.by_url("aiohttp://")
faust.web.cache.backends.by_url("memory://")
faust.fixups.by_name("django")

# venusian looks up where each task was defined, which fills the caches of `inspect` for the files of all modules
inspect.getframeinfo(sys._getframe())
