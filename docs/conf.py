"""How the site is built: ``sphinx-build -W -n docs docs/_build``. Every example runs, nothing needs a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import fastgrad  # noqa: E402

project, author, version = "fastgrad", "The fastgrad founders", fastgrad.__version__
copyright = author
extensions = [
    "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "sphinx_gallery.gen_gallery", "sphinx_copybutton",
    "sphinx_design", "mathml", "doctests", "command_help", "figures", "links",
]  # fmt: skip
exclude_patterns = ["_build", "pages", "**/GALLERY_HEADER.rst"]
default_role = "code"
nitpicky = True
suppress_warnings = ["config.cache"]  # figures are kept by a function of ours, which Sphinx cannot store

templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "fastgrad"
html_static_path = ["_static"]
html_css_files = ["fastgrad.css", "figures.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [], "footer_end": [],
    "show_nav_level": 1,
    "pygments_light_style": "a11y-high-contrast-light", "pygments_dark_style": "a11y-high-contrast-dark",
}  # fmt: skip
html_sidebars = {"tutorial/start": [], "changes": []}
html_context = {"default_mode": "auto"}

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_use_plots = False
copybutton_prompt_text, copybutton_prompt_is_regexp = r">>> |\.\.\. |\$ ", True

sphinx_gallery_conf = {
    "examples_dirs": [str(HERE / "pages" / name) for name in ("tutorial", "howto", "explanation", "gallery")],
    "gallery_dirs": ["tutorial", "howto", "explanation", "gallery"],
    "filename_pattern": ".*",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("figures.scrape",),
    "reset_modules": ("figures.reset",),
    "capture_repr": ("_repr_html_", "__repr__"),
    "ignore_repr_types": r"matplotlib|'str'|'list'",
    "abort_on_example_error": False,
    "download_all_examples": False,
    "copyfile_regex": r"index\.rst",
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "plot_gallery": "True",
}


def setup(app: Any) -> None:
    """Leave out what Python itself says of the fields of named tuples; their docstrings list them."""
    app.connect("autodoc-skip-member", lambda app, what, name, member, skip, options: _is_field(member) or skip)


def _is_field(member: Any) -> bool:
    return (getattr(member, "__doc__", None) or "").startswith("Alias for field")
