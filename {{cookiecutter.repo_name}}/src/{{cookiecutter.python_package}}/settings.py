"""Kedro's project settings. What names the framework makes every run an experiment; the rest is yours to change."""

import expfw.interruption  # noqa: F401 - first, so that Ctrl-C during the imports below is one line
from expfw.config.loader import ExperimentConfigLoader
from expfw.run.hooks import ExperimentHooks
from expfw.run.log import configure_project_logging
from expfw.run.session import ExperimentSession

CONF_SOURCE = "config"
CONFIG_LOADER_CLASS = ExperimentConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
SESSION_CLASS = ExperimentSession
HOOKS = (ExperimentHooks(),)

# Kedro-Viz would write its own notes of each run to .viz, outside of the experiment's folder; telemetry stays off.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-viz", "kedro-telemetry")

# Kedro itself looks for logging.yml in a folder "conf" only.
configure_project_logging(CONF_SOURCE)
