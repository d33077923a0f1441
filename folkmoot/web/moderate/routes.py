"""The routes of all pages of moderators, in one table."""

from folkmoot.web.moderate import (
    alike,
    automatic_rules,
    barriers,
    cases,
    contacts,
    copies,
    hashes,
    holds,
    measure,
    members,
    notices,
    preferences,
    proposals,
    rings,
    samples,
    sign_ups,
    statistics,
    templates,
    together,
    trends,
)

ROUTES = [
    *cases.ROUTES, *alike.ROUTES, *together.ROUTES, *copies.ROUTES, *templates.ROUTES, *proposals.ROUTES, *holds.ROUTES,
    *notices.ROUTES, *contacts.ROUTES, *hashes.ROUTES, *automatic_rules.ROUTES, *samples.ROUTES, *measure.ROUTES, *sign_ups.ROUTES,
    *barriers.ROUTES, *members.ROUTES, *preferences.ROUTES, *statistics.ROUTES, *trends.ROUTES, *rings.ROUTES,
]
