"""A benchmark as one HTML file that explains itself (docs/report.md)."""

from superfine.benchmark.report.depth_gallery import DepthGallery
from superfine.benchmark.report.engine import require_installed
from superfine.benchmark.report.gallery import Gallery
from superfine.benchmark.report.page import write_report

__all__ = ["DepthGallery", "Gallery", "require_installed", "write_report"]
