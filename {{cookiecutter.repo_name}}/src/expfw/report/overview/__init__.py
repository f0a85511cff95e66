"""The page of all experiments: one HTML file to sort, search, filter and compare them, without any network."""

from expfw.report.overview.page import FILE, render_overview, write_overview

__all__ = ["FILE", "render_overview", "write_overview"]
