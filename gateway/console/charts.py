"""Charts as SVG, made here and put into the page as images: nothing is loaded, nothing runs."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping, Sequence

import pygal
from pygal.style import Style

from gateway.console.rendering import way
from gateway.domain.evidence import Route

# The library hooks itself into every import, in an old way that Python warns of, to find its plug-ins: none are used.
sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, pygal.PluginImportFixer)]

ROUTE_COLOURS: Mapping[str, str] = {
    Route.EXTERNAL.value: "#2f7d4f",
    Route.EXTERNAL_TRANSFORMED.value: "#b7791f",
    Route.LOCAL.value: "#2b6cb0",
    Route.BLOCKED.value: "#b83280",
}
_GREY = "#7d8794"  # readable on light and on dark


def bars(names: Sequence[str], series: Mapping[str, Sequence[int]], colours: Mapping[str, str]) -> str:
    """Stacked bars, one a name, as the address of an image. A table beside it has to tell the same."""
    chart = pygal.StackedBar(**_options([colours.get(each, _GREY) for each in series]), x_label_rotation=45)
    chart.x_labels = list(names)
    for name, values in series.items():
        chart.add(way(name), list(values))
    return _image(chart)


def line(names: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    """Lines over time, from 0 to 100, as `bars`; `None` where nothing is known."""
    chart = pygal.Line(**_options(list(ROUTE_COLOURS.values())), range=(0, 100))
    chart.x_labels = list(names)
    for name, values in series.items():
        chart.add(name, list(values))
    return _image(chart)


def _image(chart: pygal.Graph) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(chart.render()).decode()}"


def _options(colours: Sequence[str]) -> dict[str, object]:
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground=_GREY,
        foreground_strong=_GREY,
        foreground_subtle=_GREY,
        colors=tuple(colours),
        font_family="sans-serif",
        guide_stroke_color=_GREY,
        major_guide_stroke_color=_GREY,
        legend_font_size=13,
    )
    return {"style": style, "js": (), "width": 900, "height": 280, "legend_at_bottom": True, "print_values": False,
            "show_minor_x_labels": False, "x_labels_major_count": 12, "show_minor_y_labels": False,
            "y_labels_major_count": 5, "legend_at_bottom_columns": 4, "legend_box_size": 10}  # fmt: skip
