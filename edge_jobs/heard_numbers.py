"""Numbers that were added in the CRM are told of by the webhook that is there already."""

from __future__ import annotations

import structlog

from app.integrations.http import VendorError
from app.integrations.openphone_office import Webhooks
from edge_jobs import openphone_webhook as webhook
from edge_jobs import vendors
from edge_jobs.openphone_workspace import Workspace

log = structlog.get_logger(__name__)


def hear_numbers() -> int:
    """Has OpenPhone tell of numbers of ours it does not tell of yet. Returns how many."""
    try:
        phone = vendors.openphone()
        heard = _widen(Workspace(phone).look(), Webhooks(phone.surface))
    except vendors.NotSetUp:
        return 0
    except VendorError as error:
        # Asked again in ten minutes; meanwhile the reconciliation brings what was said.
        log.warning("numbers_not_heard", error=str(error))
        return 0
    if heard:
        log.info("numbers_heard", count=heard)
    return heard


def _widen(space: Workspace, hooks: Webhooks) -> int:
    """Only where a single webhook is on and tells of a number of ours: another is not surely ours,
    and what else it lacks somebody may have meant. `connect_openphone` shows both."""
    found = [hook for hook in webhook.ours(hooks) if webhook.is_on(hook)]
    ours = space.told_of()
    if len(found) != 1:
        return 0
    (hook,) = found
    untold = webhook.untold(hook, ours)
    if not untold or len(untold) == len(ours):
        return 0
    hooks.update(str(hook["id"]), {"resourceIds": webhook.widened(hook, untold, space.ids())})
    return len(untold)
