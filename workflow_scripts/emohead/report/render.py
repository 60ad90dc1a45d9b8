"""The report's Jinja templates."""

import re
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

#: In a cell of a table (`emohead.report.tables`).
BOLD = re.compile(r"\*\*(.+?)\*\*")


def render_template(name: str, *, room: str = "emohead.report", **values: Any) -> str:
    """Fill `templates/<name>` of a room; every value is escaped unless it is Markup.

    Templates can import those of the report, `cell` turns a cell of a `Table` into HTML, `pair`
    its heading into (group, heading), and `thousands` puts commas into a number.
    """
    loaders = [PackageLoader(each) for each in dict.fromkeys((room, "emohead.report"))]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["zip"] = zip
    environment.filters |= {"cell": _html_cell, "pair": pair_of, "thousands": "{:,}".format}
    return environment.get_template(name).render(**values)


def pair_of(heading: str | tuple[str, str]) -> tuple[str, str]:
    """A column's heading as (group, heading)."""
    return heading if isinstance(heading, tuple) else ("", heading)


def _html_cell(text: object) -> Markup:
    above, _, below = BOLD.sub(r"<strong>\1</strong>", str(escape(text))).partition("\n")
    return Markup(f'{above}<br><small class="interval">{below}</small>' if below else above)
