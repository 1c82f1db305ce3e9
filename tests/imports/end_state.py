"""What imports left at a location, told without ids or times, and what must hold of it always."""

from __future__ import annotations

from typing import Any

import psycopg

# A house is told by its place, a person by his numbers, else by house and name.
_LABELS = """
with house as (
  select p.id, concat_ws('|', coalesce(p.apn, '-'), p.address_norm, p.city_norm, p.zip) as label
  from properties p where p.location_id = %(location)s
), person as (
  select c.id, coalesce(
    (select string_agg(n.phone, ',' order by n.phone) from contact_phones n where n.contact_id =
      c.id),
    concat_ws(' ', coalesce(c.name_key, c.email), 'at', (select string_agg(h.label, ', ' order by
      h.label)
      from property_contacts l join house h on h.id = l.property_id where l.contact_id = c.id)))
        as label
  from contacts c where c.location_id = %(location)s
), import as (
  select i.*, row_number() over (order by i.created_at) as nth from imports i where i.location_id
    = %(location)s
)
"""
_STATE = (
    _LABELS
    + """
select 'house' as kind, to_jsonb(p) -
  '{id,location_id,created_at,updated_at,last_enriched_at,source_list_id}'::text[]
  || jsonb_build_object('list', (select name from lists where id = p.source_list_id)) as told
from properties p where p.location_id = %(location)s
union all
select 'person', to_jsonb(c) -
  '{id,location_id,created_at,updated_at,deleted_at,created_by}'::text[]
  || jsonb_build_object('label', person.label, 'deleted', c.deleted_at is not null,
    'numbers', (select jsonb_agg(jsonb_build_array(phone, is_primary, source, source_status) order
      by phone)
      from contact_phones n where n.contact_id = c.id),
    'emails', (select jsonb_agg(jsonb_build_array(email, source, source_status, source_hash) order
      by email)
      from contact_emails e where e.contact_id = c.id),
    'card', (select jsonb_build_array(k.first_name, k.city) from contact_cards k where
      k.contact_id = c.id))
from contacts c join person using (id)
union all
select 'link', jsonb_build_object('house', house.label, 'person', person.label, 'slot', l.slot,
  'is_primary', l.is_primary,
  'ended', l.end_date, 'list', (select name from lists where id = l.source_list_id))
from property_contacts l join house on house.id = l.property_id join person on person.id =
  l.contact_id
union all
select 'member', jsonb_build_object('list', (select name from lists where id = m.list_id),
  'person', person.label,
  'house', house.label, 'status', m.status, 'import', import.nth, 'row', m.import_row_no)
from list_members m join person on person.id = m.contact_id left join house on house.id =
  m.property_id
left join import on import.id = m.import_id where m.location_id = %(location)s
union all
select 'consent', jsonb_build_object('phone', k.phone, 'status', k.status, 'person', person.label,
  'import', import.nth)
from consents k left join person on person.id = k.contact_id left join import on import.id =
  k.import_id
where k.location_id = %(location)s
union all
select 'row', to_jsonb(r) - '{import_id,batch_no,location_id,property_id}'::text[]
  || jsonb_build_object('import', import.nth, 'house', house.label)
from import_rows r join import on import.id = r.import_id left join house on house.id =
  r.property_id
union all
select 'mention', to_jsonb(s) - '{import_id,location_id,contact_id}'::text[]
  || jsonb_build_object('import', import.nth, 'person', person.label)
from import_people s join import on import.id = s.import_id left join person on person.id =
  s.contact_id
union all
select 'import', jsonb_build_object('import', nth) || (select jsonb_object_agg(key, value) from
  jsonb_each(to_jsonb(import))
  where key ~ '_(rows|created|updated|unchanged)$|^status$|^error$')
from import
"""
)

# Each names what is wrong; nothing wrong, no rows.
_WRONG = """
select 'houses with people have one primary link: ' || property_id from property_contacts
  where location_id = %(location)s group by property_id having count(*) filter (where is_primary)
    <> 1
union all
select 'people with numbers have one primary, their own: ' || c.id from contacts c
  left join contact_phones n on n.contact_id = c.id where c.location_id = %(location)s group by c.id
  having c.phone is distinct from max(n.phone) filter (where n.is_primary) or count(*) filter
    (where n.is_primary) > 1
    or (count(n.id) > 0) <> (count(*) filter (where n.is_primary) = 1)
union all
select 'the e-mail a person is known by is one of his: ' || c.id from contacts c where
  c.location_id = %(location)s
  and c.email is not null and not exists (select 1 from contact_emails e where e.contact_id = c.id
    and e.email = c.email)
union all
select 'a card says first name and town of the oldest house: ' || c.id from contacts c
  left join contact_cards k on k.contact_id = c.id where c.location_id = %(location)s and case
    when c.deleted_at is not null then k.contact_id is not null
    else k.contact_id is null or (k.first_name, k.city) is distinct from (c.first_name, (select
      p.city
      from property_contacts l join properties p on p.id = l.property_id where l.contact_id = c.id
        and l.end_date is null
      order by l.created_at, l.property_id limit 1)) end
union all
select 'no member may be active who is suppressed: ' || m.contact_id from list_members m
  where m.location_id = %(location)s and m.status = 'active' and
    private.is_suppressed(m.location_id, m.contact_id)
union all
select 'staging is empty: ' || row_no from private.import_stage_rows
union all
select 'staging is empty: ' || row_no || slot from private.import_stage_people
union all
select 'every import is done: ' || status || coalesce(' ' || error, '') from imports
  where location_id = %(location)s and status <> 'done'
union all
select 'every row has its outcome: ' || i.id from imports i where i.location_id = %(location)s
  and (i.total_rows, i.total_rows) <> (i.processed_rows, (select count(*) from import_rows where
    import_id = i.id))
"""

_WRITTEN = """
select 'properties ' || apn || address, ctid, xmin from properties where location_id = %(location)s
union all select 'contacts ' || coalesce(display_name, ''), ctid, xmin from contacts where
  location_id = %(location)s
union all select 'property_contacts', ctid, xmin from property_contacts where location_id =
  %(location)s
union all select 'list_members', ctid, xmin from list_members where location_id = %(location)s
union all select 'contact_phones ' || phone, ctid, xmin from contact_phones where location_id =
  %(location)s
union all select 'contact_emails ' || email, ctid, xmin from contact_emails where location_id =
  %(location)s
union all select 'contact_cards', ctid, xmin from contact_cards where location_id = %(location)s
union all select 'consents', ctid, xmin from consents where location_id = %(location)s
"""


def _ask(db: psycopg.Connection[Any], query: str, location: str) -> list[tuple[Any, ...]]:
    return db.execute(query.encode(), {"location": location}).fetchall()


def told(db: psycopg.Connection[Any], location: str, stem: str) -> list[str]:
    """Everything imports wrote, one line a thing, sorted, without the numbers' stem."""
    return sorted(f"{k} {t}".replace(stem, "") for k, t in _ask(db, _STATE_TEXT, location))


_STATE_TEXT = f"select kind, told::text from ({_STATE}) x"


def wrong(db: psycopg.Connection[Any], location: str) -> list[str]:
    return [line for (line,) in _ask(db, _WRONG, location)]


def written(db: psycopg.Connection[Any], location: str) -> set[tuple[Any, ...]]:
    """The physical rows: another set means that something was written."""
    return set(_ask(db, _WRITTEN, location))
