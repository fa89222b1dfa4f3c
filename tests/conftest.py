"""Settings of the whole suite."""

from hypothesis import settings

# A slow machine is no failure; pytest-timeout catches what hangs.
settings.register_profile("treewright", deadline=None)
settings.load_profile("treewright")
