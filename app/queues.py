"""The menu of background work: one function per job says what to ring, `ring` rings it.

Postgres is the record and Redis only a doorbell: a ring that is lost is rung again by the sweep,
15 s later at the latest. Jobs are named by path, for `app` imports nothing of `edge_jobs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from app import tracing

log = structlog.get_logger(__name__)

SWEEP_S = 15
MINUTE_S = 60
HOUR_S = 60 * 60


@dataclass(frozen=True)
class Ring:
    """One ring of the bell.

    RQ refuses a unique id for as long as it remembers the job, even one that failed or whose worker
    was killed. So every id ends in a time bucket: two rings in one bucket are one, the next bucket
    is free again.
    """

    job: str
    args: Sequence[str]
    queue: str
    id: str
    timeout_s: int
    # How long the ring is worth answering; afterwards the sweep has rung anew.
    wait_s: int = 4 * SWEEP_S
    # How long RQ remembers that it was answered, and refuses the same id.
    done_s: int = 60
    # Before all that waits already.
    at_front: bool = False


def run_import(import_id: str, *, now: datetime) -> Ring:
    """Work on one import until it is done or its lease is lost."""
    return Ring(
        job="edge_jobs.imports.run_import",
        args=(import_id,),
        queue="imports",
        id=f"run_import-{import_id}-{_bucket(now)}",
        timeout_s=2 * 60 * 60,
    )


def ring_waiting_imports(*, now: datetime) -> Ring:
    """Find imports that wait, or whose worker died, and ring for each."""
    return _sweep("edge_jobs.imports.ring_waiting_imports", now)


def send_invite(invite_id: str, *, now: datetime) -> Ring:
    """Mail one invitation's link."""
    return Ring(
        job="edge_jobs.identity.send_invite",
        args=(invite_id,),
        queue="maintenance",
        id=f"send_invite-{invite_id}-{_bucket(now)}",
        timeout_s=60,
    )


def ring_waiting_invites(*, now: datetime) -> Ring:
    """Find invitations whose mail is not out, and ring for each."""
    return _sweep("edge_jobs.identity.ring_waiting_invites", now)


def forget_requests(*, now: datetime) -> Ring:
    """Forget, once an hour, the requests that were remembered for a day."""
    return _sweep("edge_jobs.idempotency.forget_requests", now, every_s=HOUR_S)


def forget_notifications(*, now: datetime) -> Ring:
    """Forget, once an hour, the notifications that were read 90 days ago."""
    return _sweep("edge_jobs.notifications.forget_notifications", now, every_s=HOUR_S)


def count_business(*, now: datetime) -> Ring:
    """Count, once a minute, what /metrics tells of the business."""
    return _sweep("edge_jobs.business.count_business", now, every_s=MINUTE_S)


def apply_webhooks(*, now: datetime) -> Ring:
    """Take in what waits in the webhook inbox, until nothing does."""
    return Ring(
        job="edge_jobs.webhooks.apply_webhooks",
        args=(),
        queue="webhooks",
        # Its own bucket is a microsecond: whoever rings asks first whether one waits.
        id=f"apply_webhooks-{int(now.timestamp() * 1e6)}-{_bucket(now)}",
        timeout_s=120,
        done_s=0,
    )


def watch_webhooks(*, now: datetime) -> Ring:
    """Count what was refused, and tell of what could not be taken in."""
    return _sweep("edge_jobs.webhooks.watch_webhooks", now, every_s=MINUTE_S)


def ask_for_webhooks(*, now: datetime) -> Ring:
    """Ask the vendor for calls and texts of which too little was said."""
    return _sweep("edge_jobs.webhooks.ask_for_webhooks", now, queue="vendor", every_s=MINUTE_S)


def send_texts(*, now: datetime) -> Ring:
    """Send what may leave now, until nothing waits."""
    return Ring(
        job="edge_jobs.sends.send_texts",
        args=(),
        queue="sends",
        # Its own bucket is a microsecond: a text put in while a worker ends is not missed.
        id=f"send_texts-{int(now.timestamp() * 1e6)}-{_bucket(now)}",
        timeout_s=180,
        done_s=0,
    )


def free_sends(*, now: datetime) -> Ring:
    """Free, once a minute, what dead workers held."""
    return _sweep("edge_jobs.sends.free_sends", now, every_s=MINUTE_S)


def settle_sends(*, now: datetime) -> Ring:
    """Ask the vendor, once a minute, for texts whose outcome is in doubt."""
    return _sweep(
        "edge_jobs.sends.settle_sends", now, queue="vendor", every_s=MINUTE_S, timeout_s=10 * 60
    )


def fetch_media(media_id: str, *, now: datetime, at_front: bool = False) -> Ring:
    """Fetch one picture, film or recording, whose address soon expires."""
    return Ring(
        job="edge_jobs.media.fetch_media",
        args=(media_id,),
        queue="media",
        id=f"fetch_media-{media_id}-{_bucket(now)}",
        # Less than its lease, which is three minutes.
        timeout_s=170,
        at_front=at_front,
    )


def ring_waiting_media(*, now: datetime) -> Ring:
    """Find files that nobody fetches, and ring for each."""
    return _sweep("edge_jobs.media_rings.ring_waiting_media", now)


def ring_vendor_work(*, now: datetime) -> Ring:
    """Find runs through the vendor's records and numbers to check, and ring for each."""
    return _sweep("edge_jobs.syncs.ring_vendor_work", now)


def run_sync(run_id: str, *, now: datetime) -> Ring:
    """Go on with one run through the vendor's records, for about a minute."""
    return Ring(
        job="edge_jobs.syncs.run_sync",
        args=(run_id,),
        queue="vendor",
        id=f"run_sync-{run_id}-{_bucket(now)}",
        timeout_s=10 * 60,
    )


def check_numbers(*, now: datetime) -> Ring:
    """Have numbers checked that wait."""
    return _sweep("edge_jobs.numbers.check_numbers", now, queue="vendor", timeout_s=10 * 60)


def hear_numbers(*, now: datetime) -> Ring:
    """See, every ten minutes, that the vendor tells of all our numbers."""
    return _sweep(
        "edge_jobs.heard_numbers.hear_numbers", now, queue="vendor", every_s=10 * MINUTE_S
    )


def watch_messaging(*, now: datetime) -> Ring:
    """See, once a minute, whether texts come in, and have one sent to ourselves when it is time."""
    return _sweep("edge_jobs.health_check.watch_messaging", now, every_s=MINUTE_S)


def begin_contact_pushes(*, now: datetime) -> Ring:
    """Find, every ten minutes, people whom the vendor's address book is to be told of."""
    return _sweep("edge_jobs.contact_push.begin_contact_pushes", now, every_s=10 * MINUTE_S)


def _sweep(
    job: str,
    now: datetime,
    *,
    queue: str = "maintenance",
    every_s: int = SWEEP_S,
    timeout_s: int = 60,
) -> Ring:
    """A job that finds its own work: one ring in every_s, a multiple of SWEEP_S."""
    buckets = every_s // SWEEP_S
    bucket = _bucket(now) // buckets * buckets
    name = job.rpartition(".")[2]
    return Ring(
        job=job,
        args=(),
        queue=queue,
        id=f"{name}-{bucket}",
        timeout_s=timeout_s,
        done_s=max(MINUTE_S, every_s),
    )


def _bucket(now: datetime) -> int:
    return int(now.timestamp()) // SWEEP_S


def connect(redis_url: str) -> Redis:
    """A client that gives up fast: the bell must not hold up the request that rings it."""
    return Redis.from_url(
        redis_url,
        socket_connect_timeout=1,
        socket_timeout=2,
        # One more try at once: after a restart of Redis the pool holds dead connections.
        retry=Retry(NoBackoff(), 1),
    )


def ring_unless_waiting(redis: Redis, wanted: Ring) -> bool:
    """False also when another ring waits in the queue: it is answered after now, and finds all."""
    try:
        if redis.llen(f"rq:queue:{wanted.queue}"):
            return False
    except RedisError as error:
        log.warning("ring_lost", job=wanted.job, error=type(error).__name__)
        return False
    return ring(redis, wanted)


def ring(redis: Redis, ring: Ring) -> bool:
    """True when the job now waits; False when it did already, or Redis is away (logged)."""
    try:
        Queue(ring.queue, connection=redis, serializer=JSONSerializer).enqueue_call(
            ring.job,
            args=list(ring.args),
            job_id=ring.id,
            unique=True,
            timeout=ring.timeout_s,
            ttl=ring.wait_s,
            result_ttl=ring.done_s,
            at_front=ring.at_front,
            failure_ttl=24 * 60 * 60,
            description=ring.id,
            meta={"trace": tracing.carrier()},
        )
    except DuplicateJobError:
        return False
    except RedisError as error:
        log.warning("ring_lost", job=ring.job, error=type(error).__name__)
        return False
    return True
