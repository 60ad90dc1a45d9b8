"""The report's Jinja templates."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_template(name: str, *, room: str = "emohead.report", **values: Any) -> str:
    """Fill `templates/<name>` of a room; every value is escaped unless it is Markup."""
    environment = Environment(
        loader=PackageLoader(room),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)
