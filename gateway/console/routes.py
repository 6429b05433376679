"""All pages and acts of the console, and which roles may ask for each. The tests read the same table."""

from __future__ import annotations

from gateway.console import administration, policies, reports, review, signing_in, single_sign_on
from gateway.console.access import access_log
from gateway.console.decision import decision
from gateway.console.decisions import decisions, what_is_sought
from gateway.console.exporting import export
from gateway.console.gate import Route
from gateway.console.overview import overview, verify_now
from gateway.console.sampling import draw_sample
from gateway.console.saving import save_view
from gateway.console.why import why, why_page
from gateway.domain.accounts import Role
from gateway.domain.evidence import ViewAction

EVERYONE: frozenset[Role] = frozenset()
SIGNED_IN = frozenset(Role)
ADMINISTERING = frozenset({Role.ADMINISTRATOR})
REVIEWING = frozenset({Role.REVIEWER})
VERIFYING = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
HANDING_OVER = frozenset({Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR})

ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/sign-in", roles=EVERYONE, page=signing_in.sign_in_page),
    Route(method="POST", path="/sign-in", roles=EVERYONE, page=signing_in.sign_in),
    Route(method="POST", path="/sign-out", roles=EVERYONE, page=signing_in.sign_out),
    Route(method="GET", path="/invitation/{secret}", roles=EVERYONE, page=signing_in.invitation_page),
    Route(method="POST", path="/invitation/{secret}", roles=EVERYONE, page=signing_in.accept_invitation),
    Route(method="GET", path="/oidc", roles=EVERYONE, page=single_sign_on.begin),
    Route(method="GET", path="/oidc/back", roles=EVERYONE, page=single_sign_on.come_back),
    Route(method="GET", path="/", roles=SIGNED_IN, page=overview, seen=ViewAction.OVERVIEW),
    Route(method="POST", path="/verify", roles=VERIFYING, page=verify_now),
    Route(
        method="GET", path="/decisions", roles=SIGNED_IN, page=decisions, seen=ViewAction.SEARCHED, what=what_is_sought
    ),
    Route(method="GET", path="/decisions/{id}", roles=SIGNED_IN, page=decision, seen=ViewAction.DECISION),
    Route(method="GET", path="/export", roles=HANDING_OVER, page=export, seen=ViewAction.EXPORTED, what=what_is_sought),
    Route(method="POST", path="/views", roles=SIGNED_IN, page=save_view),
    Route(
        method="GET",
        path="/review",
        roles=REVIEWING | {Role.ADMINISTRATOR},
        page=review.queue,
        seen=ViewAction.QUEUE,
    ),
    Route(method="POST", path="/review/sample", roles=REVIEWING, page=draw_sample),
    Route(method="POST", path="/review/sign-off", roles=REVIEWING, page=review.sign_sample),
    Route(method="POST", path="/review/{id}/{step}", roles=REVIEWING, page=review.step),
    Route(method="GET", path="/policies", roles=SIGNED_IN, page=policies.policies, seen=ViewAction.POLICIES),
    Route(
        method="GET",
        path="/policies/compare",
        roles=frozenset({Role.POLICY_EDITOR, Role.ADMINISTRATOR}),
        page=policies.compare,
        seen=ViewAction.COMPARED,
    ),
    Route(
        method="GET",
        path="/reports",
        roles=HANDING_OVER,
        page=reports.reports,
        seen=ViewAction.REPORT,
        what=reports.of_period_seen,
    ),
    Route(
        method="GET",
        path="/reports/bundle",
        roles=HANDING_OVER,
        page=reports.bundle,
        seen=ViewAction.EXPORTED,
        what=reports.of_period_seen,
    ),
    Route(
        method="GET",
        path="/access",
        roles=frozenset({Role.AUDITOR, Role.ADMINISTRATOR}),
        page=access_log,
        seen=ViewAction.ACCESS_LOG,
    ),
    Route(
        method="GET",
        path="/administration",
        roles=ADMINISTERING,
        page=administration.administration,
        seen=ViewAction.ADMINISTRATION,
    ),
    Route(method="POST", path="/administration/accounts", roles=ADMINISTERING, page=administration.invite),
    Route(
        method="POST",
        path="/administration/accounts/{id}/role",
        roles=ADMINISTERING,
        page=administration.change_role,
    ),
    Route(
        method="POST",
        path="/administration/accounts/{id}/disable",
        roles=ADMINISTERING,
        page=administration.disable,
    ),
    Route(method="POST", path="/administration/keys", roles=ADMINISTERING, page=administration.create_key),
    Route(method="POST", path="/administration/keys/{id}/revoke", roles=ADMINISTERING, page=administration.revoke_key),
    Route(method="GET", path="/why", roles=EVERYONE, page=why_page),
    Route(method="POST", path="/why", roles=EVERYONE, page=why),
)
