"""Figures from arrays, tables and files; nothing here imports torch.

Called directly: `grids` (pictures), `curves` (training). Drawn for the report: everything registered in `base.FIGURES`.
"""
