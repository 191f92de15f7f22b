-- list_status_endpoints: lists the enabled endpoints that statuses are reported to.
select id, url, types, categories, statuses, project, is_test, ordered from webhook_endpoints where kind = 'status' and is_enabled order by id;

-- list_reported: lists deliveries, which are within two ids, with what their notifications say: a look-up for each.
select deliveries.id, deliveries.notification_id, deliveries.user_id, deliveries.channel, deliveries.status, deliveries.reason,
       deliveries.provider, deliveries.redrive_count, deliveries.attempt, deliveries.updated_at, notification.type, notification.category,
       notification.priority, notification.is_test
from deliveries
left join lateral (
    select type, category, priority, is_test from notifications
    where notifications.id = deliveries.notification_id and notifications.user_id = deliveries.user_id
    limit 1
) as notification on true
where deliveries.id between $2 and $3 and deliveries.id = any ($1::uuid[]);

-- list_failing: lists the enabled endpoints of these ($1) that have only failed for so many seconds ($4), in at least so many calls ($5), and those ($2) that have answered at a time ($3) that they are gone, unless they were enabled again later.
select endpoints.id, endpoints.user_id, endpoints.url, gone.at is not null as is_gone,
       coalesce(gone.at, extract(epoch from health.failing_since)::float8) as since,
       exists (
           select from rules where type = case owner.project when '' then '' else '@' || owner.project || '/' end || 'herold.webhook_disabled'
       ) as has_rule, owner.project
from webhook_endpoints as endpoints
cross join lateral (
    select coalesce((select id from projects where id = coalesce(endpoints.project, project_of(endpoints.user_id))), '') as project
) as owner
left join unnest($2::uuid[], $3::float8[]) as gone (id, at) on gone.id = endpoints.id and to_timestamp(gone.at) > endpoints.enabled_at
left join webhook_endpoint_health as health on health.endpoint_id = endpoints.id
where endpoints.id = any ($1::uuid[]) and endpoints.is_enabled
    and (
        gone.at is not null
        or ($4::float8 > 0 and health.failures >= $5 and health.failing_since <= health.last_failure_at - make_interval(secs => $4::float8))
    )
order by endpoints.id;

-- disable_failing: disables an endpoint; returns nothing if it is disabled already, or deleted.
update webhook_endpoints set is_enabled = false, disabled_at = now(), disabled_reason = $2 where id = $1 and is_enabled returning id;
