-- measure_calls: measures the newest $2 calls of deliveries with ids from $1 on, by account. The newest in time are the newest in the order
-- of ids, but for retries and what was held.
select provider, count(*) as calls, percentile_cont(0.95) within group (order by duration_ms) as p95_ms
from (
    select provider, duration_ms from delivery_logs
    where id >= $1 and duration_ms > 0
    order by id desc limit $2
) as call
group by provider;

-- count_failures: counts the newest $2 calls since $1 that were not accepted, by account, code and reason, the most frequent first.
select provider, provider_code as code, outcome, reason, count(*) as calls, max(occurred_at) as last_at,
    (array_agg(detail order by occurred_at desc))[1] as detail
from (
    select provider, provider_code, outcome, reason, occurred_at, detail from delivery_logs
    where occurred_at >= $1 and outcome not in ('', 'ACCEPTED')
    order by occurred_at desc limit $2
) as call
group by provider, provider_code, outcome, reason
order by calls desc, provider, provider_code, outcome, reason;
