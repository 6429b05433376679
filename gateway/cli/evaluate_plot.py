"""The scores of models as a drawing: what each gets right, takes and costs, side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from xml.etree.ElementTree import Element

import pygal
from pygal.style import Style

from gateway.domain.task_scores import Score

# The library hooks itself into every import, in an old way that Python warns of, to find its plug-ins: none are used.
sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, pygal.PluginImportFixer)]

_COLOURS = ("#2b6cb0", "#2f7d4f", "#b7791f", "#b83280", "#6b46c1", "#4a5568")


def drawn(scores: Sequence[Score], advice: str) -> str:
    """An SVG document that loads nothing. Time and cost are parts of the slowest and the dearest, in percent."""
    style = Style(background="white", plot_background="white", colors=_COLOURS, font_family="sans-serif")
    chart = pygal.Bar(
        style=style,
        js=(),
        width=900,
        height=420,
        legend_at_bottom=True,
        print_values=True,
        range=(0, 100),
        title=advice,
    )
    chart.x_labels = ["right (%)", "time, p50 (% of the slowest)", "cost (% of the dearest)"]
    slowest = max((score.latency(0.5) for score in scores), default=0)
    dearest = max((score.cost_of_a_thousand or 0.0 for score in scores), default=0.0)
    for score in scores:
        cost = score.cost_of_a_thousand
        chart.add(
            score.model,
            [
                round(100 * score.accuracy, 1),
                round(100 * score.latency(0.5) / slowest, 1) if slowest else None,
                None if cost is None or not dearest else round(100 * cost / dearest, 1),
            ],
        )
    chart.add_xml_filter(_without_scripts)
    return str(chart.render(is_unicode=True))


def _without_scripts(root: Element) -> Element:
    """The library always writes its settings, for a script that is not there."""
    for parent in [*root.iter()]:
        for script in [each for each in parent if str(each.tag).endswith("script")]:
            parent.remove(script)
    return root
