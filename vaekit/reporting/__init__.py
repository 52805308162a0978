"""The report: everything that lies on disk about one evaluated model, on one page; nothing here imports torch."""

from vaekit.reporting.build import Report, build_report

__all__ = ["Report", "build_report"]
