-- An attempt says to which registered webhook endpoint it went (docs/decisions/0071). The column changes the catalogue only; rows of before have none.
-- The index is of the table only: the second step of this revision builds it in the partitions, while others write. If that is interrupted, the
-- revision is run again, so what is there is left as it is. Everyone waits behind whoever waits for a table as a whole, so that is not for long.
set local lock_timeout = '3s';

alter table delivery_logs add column if not exists endpoint_id uuid;
comment on column delivery_logs.endpoint_id is
    'the registered webhook endpoint that the address is from; null: it is from none, or the row is older than 0051';

-- For the list of an endpoint, newest first: one index for all attempts and for those that failed. They are two runs of it, which the list
-- of all merges. What ended without an attempt is not in it. A number, because PostgreSQL turns a comparison of a boolean into another one.
create index if not exists delivery_logs_endpoint_id_idx on only delivery_logs
    (endpoint_id, (case outcome when 'ACCEPTED' then 1 else 0 end), occurred_at, id) where endpoint_id is not null and outcome <> '';
