"""All SQL of measurement: `figures` stores them, `sample` stores what people label, `sources` reads what is counted."""

from folkmoot.moderation.measurement.queries.figures import figures_of_month, list_measured_months

__all__ = ["figures_of_month", "list_measured_months"]
