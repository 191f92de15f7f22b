-- insert_provider_events: inserts reports of deliveries; returns the delivery, the provider and the key of those that were not there.
insert into provider_events (id, provider, event_key, event, received_at)
select id, provider, event_key, event, to_timestamp(received_at)
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[]) as given (id, provider, event_key, event, received_at)
order by id
on conflict do nothing
returning id, provider, event_key;

-- has_waiting_reports: whether any report waits for its delivery.
select exists (select from waiting_reports where merged_at is null);

-- take_waiting_reports: deletes and returns the reports that wait for these deliveries.
delete from waiting_reports where delivery_id = any($1::uuid[]) and merged_at is null
returning value, topic, "partition", "offset", extract(epoch from received_at)::float8 as received_at;

-- insert_waiting_report: keeps a report until its delivery is recorded.
insert into waiting_reports (delivery_id, provider, event_key, value, topic, "partition", "offset", received_at)
values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8))
on conflict (delivery_id, provider, event_key) do update set merged_at = null;

-- list_reported_deliveries: lists deliveries with these ids, which are between $2 and $3, with the categories of their notifications.
select deliveries.id, notification_id, deliveries.user_id, channel, extract(epoch from deliveries.created_at)::float8 as created_at,
       coalesce((
           select category from notifications where notifications.id = notification_id and notifications.user_id = deliveries.user_id
       ), '') as category
from deliveries
where deliveries.id = any($1::uuid[]) and deliveries.id between $2 and $3;

-- set_report_times: keeps when deliveries were first sent, delivered, opened and clicked. Their ids are between $6 and $7.
update deliveries set
    sent_at = least(deliveries.sent_at, given.sent_at),
    delivered_at = least(deliveries.delivered_at, given.delivered_at),
    opened_at = least(deliveries.opened_at, given.opened_at),
    clicked_at = least(deliveries.clicked_at, given.clicked_at)
from (
    select id, to_timestamp(sent_at) as sent_at, to_timestamp(delivered_at) as delivered_at, to_timestamp(opened_at) as opened_at,
           to_timestamp(clicked_at) as clicked_at
    from unnest($1::uuid[], $2::float8[], $3::float8[], $4::float8[], $5::float8[])
        as raw (id, sent_at, delivered_at, opened_at, clicked_at)
) as given
where deliveries.id = given.id and deliveries.id between $6 and $7
returning with (old as before, new as after)
    after.labels_id, after.channel, floor_to_minute(after.created_at) as minute,
    before.opened_at is null and after.opened_at is not null as opened,
    before.clicked_at is null and after.clicked_at is not null as clicked;

-- insert_inbound_message: inserts an inbound message; returns its key unless it was there.
insert into inbound_messages (provider, event_key, event, channel, received_at) values ($1, $2, $3, $4, to_timestamp($5))
on conflict do nothing
returning event_key;

-- take_matched_reports: marks and returns at most $1 waiting reports whose deliveries are recorded by now; two workers take different ones. A
-- subquery in FROM could be planned within a loop, and be executed for each row.
with matched as materialized (
    select delivery_id, provider, event_key from waiting_reports
    where merged_at is null and exists (select from deliveries where deliveries.id = waiting_reports.delivery_id)
    order by received_at
    limit $1
    for update skip locked
)
update waiting_reports set merged_at = now() from matched
where (waiting_reports.delivery_id, waiting_reports.provider, waiting_reports.event_key)
    = (matched.delivery_id, matched.provider, matched.event_key)
returning value, topic, "partition", "offset", extract(epoch from received_at)::float8 as received_at;

-- list_merged_reports: lists the reports that were merged late, and of which producers may not have heard.
select value, topic, "partition", "offset", extract(epoch from received_at)::float8 as received_at
from waiting_reports
where merged_at is not null
order by merged_at
limit $1;

-- delete_merged_reports: deletes reports of which producers have heard.
delete from waiting_reports using unnest($1::uuid[], $2::text[], $3::text[]) as given (id, provider, event_key)
where (waiting_reports.delivery_id, waiting_reports.provider, waiting_reports.event_key) = (given.id, given.provider, given.event_key)
    and merged_at is not null;

-- list_old_reports: lists the oldest reports that have waited since before $1 (epoch seconds).
select value, topic, "partition", "offset", extract(epoch from received_at)::float8 as received_at
from waiting_reports
where received_at < to_timestamp($1) and merged_at is null
order by received_at
limit $2;

-- delete_reports: deletes waiting reports, and with them their rows of the inbox, so that a redrive finds them new.
with given as (
    select * from unnest($1::uuid[], $2::text[], $3::text[]) as given (id, provider, event_key)
), ended as (
    delete from waiting_reports using given
    where (waiting_reports.delivery_id, waiting_reports.provider, waiting_reports.event_key) = (given.id, given.provider, given.event_key)
)
delete from provider_events using given
where (provider_events.id, provider_events.provider, provider_events.event_key) = (given.id, given.provider, given.event_key);
