-- get_endpoint: gets an endpoint.
select *, coalesce(previous_expires_at > now(), false) as is_rotating
from webhook_endpoints where id = $1;

-- list_signing_endpoints: lists what a worker needs of endpoints.
select id, signature, is_enabled, version, secret, previous_secret, previous_expires_at from webhook_endpoints where id = any ($1::uuid[]);

-- list_endpoints: lists endpoints with ids above one, in the order of ids; with a kind, user, state or part of a URL only those that have it.
select *, coalesce(previous_expires_at > now(), false) as is_rotating
from webhook_endpoints
where id > $1 and ($2::text is null or kind = $2) and ($3::text is null or user_id = $3) and ($4::boolean is null or is_enabled = $4)
    and position($5 in url) > 0
order by id
limit $6;

-- count_of_user: locks a user, and counts the endpoints; returns nothing if there is no such user.
select (select count(*) from webhook_endpoints where user_id = users.id) as count from users where id = $1 for no key update;

-- insert_endpoint: inserts an endpoint; returns nothing if the user, or the producers' statuses, have one with this URL.
insert into webhook_endpoints (id, kind, user_id, url, description, types, categories, statuses, signature, secret, public_key, project, is_test, ordered)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict do nothing
returning *, coalesce(previous_expires_at > now(), false) as is_rotating;

-- lock_endpoint: locks an endpoint.
select *, coalesce(previous_expires_at > now(), false) as is_rotating
from webhook_endpoints where id = $1 for update;

-- update_endpoint: changes what an operator writes of an endpoint.
update webhook_endpoints set url = $2, description = $3, types = $4, categories = $5, statuses = $6, ordered = $7 where id = $1
returning *, coalesce(previous_expires_at > now(), false) as is_rotating;

-- delete_endpoint: deletes an endpoint with its counters.
with counts as (delete from webhook_endpoint_counts where endpoint_id = $1),
    health as (delete from webhook_endpoint_health where endpoint_id = $1)
delete from webhook_endpoints where id = $1;

-- enable_endpoint: enables an endpoint; failures before it do not count any more.
with health as (update webhook_endpoint_health set failing_since = null, failures = 0 where endpoint_id = $1)
update webhook_endpoints set is_enabled = true, enabled_at = now(), disabled_at = null, disabled_reason = '' where id = $1
returning *, coalesce(previous_expires_at > now(), false) as is_rotating;

-- disable_endpoint: disables an endpoint for a reason.
update webhook_endpoints set is_enabled = false, disabled_at = now(), disabled_reason = $2 where id = $1
returning *, coalesce(previous_expires_at > now(), false) as is_rotating;

-- rotate_secret: gives an endpoint a new secret; the one before signs for so many seconds more, or not at all.
update webhook_endpoints set
    previous_secret = case when $4::float8 > 0 then secret else '' end,
    previous_public_key = case when $4::float8 > 0 then public_key else '' end,
    previous_created_at = case when $4::float8 > 0 then secret_created_at end,
    previous_expires_at = case when $4::float8 > 0 then now() + make_interval(secs => $4::float8) end,
    secret = $2, public_key = $3, secret_created_at = now()
where id = $1
returning *, coalesce(previous_expires_at > now(), false) as is_rotating;

-- get_health: gets the last calls of an endpoint.
select last_success_at, last_failure_at, failing_since, last_code from webhook_endpoint_health where endpoint_id = $1;

-- list_counts: lists the counters of an endpoint since a time, by hour.
select hour, succeeded, failed from webhook_endpoint_counts where endpoint_id = $1 and hour >= to_timestamp($2) order by hour;

-- get_delivery_result: gets the status of a delivery with its last attempt; the id of a log row begins as that of its delivery.
select deliveries.status, deliveries.reason, coalesce(last.provider_code, 0) as provider_code, coalesce(last.duration_ms, 0) as duration_ms,
       coalesce(last.detail, '') as detail
from deliveries
left join lateral (
    select provider_code, duration_ms, detail from delivery_logs
    where id >= $2 and id <= $3 and delivery_id = deliveries.id
    order by occurred_at desc
    limit 1
) as last on true
where deliveries.id = $1 and deliveries.user_id = $4;
