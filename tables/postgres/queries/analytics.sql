-- sum_counts: adds up counts of kind $1 with one of the names $2 by steps of $3 seconds, by {key} and channel. The other arguments are a CountFilter.
select at / $3 * $3 as at, {key} as key, channel, sum(count)::bigint as count
from history_counts join count_labels on count_labels.id = labels_id
where kind = $1 and ($2::text[] is null or name = any($2)) and at >= $4 and at < $5 and not is_test
    and ($6::text is null or project = $6) and ($7::text is null or channel = $7) and ($8::text is null or category = $8)
    and ($9::text is null or type = $9) and ($10::text is null or priority = $10) and ($11::text is null or template = $11)
group by 1, 2, 3
having sum(count) <> 0
order by 1, 2, 3;

-- sum_handovers: adds up hand-overs by steps of $1 seconds, by {key}, priority and bound. The other arguments are a CountFilter.
select at / $1 * $1 as at, {key} as key, priority, name as bound, sum(count)::bigint as count
from history_counts join count_labels on count_labels.id = labels_id
where kind = 'handover' and at >= $2 and at < $3 and not is_test
    and ($4::text is null or project = $4) and ($5::text is null or channel = $5) and ($6::text is null or category = $6)
    and ($7::text is null or type = $7) and ($8::text is null or priority = $8) and ($9::text is null or template = $9)
group by 1, 2, 3, 4
having sum(count) <> 0;

-- sum_windows: adds up the hand-overs of each priority since the times $1, and those up to the bounds $3 of the priorities $2.
select since, priority, sum(count)::bigint as count, coalesce(sum(count) filter (where name::float8 <= target), 0)::bigint as within_target
from unnest($1::bigint[]) as windows (since)
join history_counts on at >= since
join count_labels on count_labels.id = labels_id
join unnest($2::text[], $3::float8[]) as targets (priority, target) using (priority)
where kind = 'handover' and at >= (select min(one) from unnest($1::bigint[]) as one) and not is_test and ($4::text is null or project = $4)
group by since, priority;

-- sum_names: adds up counts by steps of $1 seconds, kind and name. The other arguments are a CountFilter.
select at / $1 * $1 as at, kind, name, sum(count)::bigint as count
from history_counts join count_labels on count_labels.id = labels_id
where kind in ('notification', 'delivery', 'engagement') and at >= $2 and at < $3 and not is_test
    and ($4::text is null or project = $4) and ($5::text is null or channel = $5 or kind = 'notification')
    and ($6::text is null or category = $6) and ($7::text is null or type = $7) and ($8::text is null or priority = $8)
    and ($9::text is null or template = $9 or kind = 'notification')
group by 1, 2, 3
having sum(count) <> 0
order by 1, 2, 3;
