"""One run of one chapter: its profile, device, randomness, sections and claims. A notebook begins with ``run =
foretold.start("coins")``."""

from foretold.claims import PROFILES
from foretold.run.chapter import SEED, STAMP_MIME, Run, start
from foretold.run.machine import cores, device_class, device_name, driver_version, loop_seconds, peak_memory
from foretold.run.profile import default_profile
from foretold.run.provenance import commit, package_versions

__all__ = [
    "PROFILES",
    "SEED",
    "STAMP_MIME",
    "Run",
    "commit",
    "cores",
    "default_profile",
    "device_class",
    "device_name",
    "driver_version",
    "loop_seconds",
    "package_versions",
    "peak_memory",
    "start",
]
