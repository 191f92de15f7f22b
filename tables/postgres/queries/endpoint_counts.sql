-- add_counts: adds to the counters of these endpoints and hours (since 1970), without endpoints that were deleted.
insert into webhook_endpoint_counts as old (endpoint_id, hour, succeeded, failed)
select new.endpoint_id, to_timestamp(new.hour * 3600::float8), new.succeeded, new.failed
from unnest($1::uuid[], $2::int[], $3::int[], $4::int[]) as new (endpoint_id, hour, succeeded, failed)
join webhook_endpoints on webhook_endpoints.id = new.endpoint_id
order by 1, 2
on conflict (endpoint_id, hour) do update set succeeded = old.succeeded + excluded.succeeded, failed = old.failed + excluded.failed;

-- update_health: notes the last calls of these endpoints. A failure counts as one of a row if it came after the last success, in whatever order they are recorded.
insert into webhook_endpoint_health as old (endpoint_id, last_success_at, last_failure_at, failing_since, failures, last_code)
select new.endpoint_id, to_timestamp(new.success), to_timestamp(new.failure), to_timestamp(new.since), new.failures, new.code
from unnest($1::uuid[], $2::float8[], $3::float8[], $4::float8[], $5::int[], $6::int[]) as new (endpoint_id, success, failure, since, failures, code)
join webhook_endpoints on webhook_endpoints.id = new.endpoint_id
order by 1
on conflict (endpoint_id) do update set
    last_success_at = greatest(old.last_success_at, excluded.last_success_at),
    last_failure_at = greatest(old.last_failure_at, excluded.last_failure_at),
    failing_since = least(
        case when excluded.last_success_at is null or old.failing_since > excluded.last_success_at then old.failing_since end,
        case when old.last_success_at is null or excluded.failing_since > old.last_success_at then excluded.failing_since end),
    failures = case when excluded.last_success_at is null or old.failing_since > excluded.last_success_at then old.failures else 0 end
        + case when old.last_success_at is null or excluded.failing_since > old.last_success_at then excluded.failures else 0 end,
    last_code = case
        when greatest(excluded.last_success_at, excluded.last_failure_at) >= greatest(old.last_success_at, old.last_failure_at)
        then excluded.last_code else old.last_code end;
