"""One run of one chapter. A notebook begins with ``run = foretold.start("coins")``."""

from foretold.run.chapter import (
    PROFILES,
    SEED,
    STAMP_MIME,
    Run,
    commit,
    cores,
    default_profile,
    device_class,
    device_name,
    driver_version,
    loop_seconds,
    package_versions,
    peak_memory,
    start,
)

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
