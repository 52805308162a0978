"""The report: everything that lies on disk about one evaluated model, on one page; nothing here imports torch."""

from vaekit.reporting.build import Report, build_report
from vaekit.reporting.edition import Edition, read_edition

__all__ = ["Edition", "Report", "build_report", "read_edition"]
