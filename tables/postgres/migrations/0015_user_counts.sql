-- How many messages the providers of a channel accepted for a user on a day (UTC). The recorder counts an attempt in the transaction that
-- inserts its row of delivery_logs, so that one that is read again does not count again. The day comes first in the key: the rows of today
-- are together, and those of expired days are deleted without a scan. A page has room for later versions of its rows.
create table user_counts (
    day date not null,
    user_id text not null,
    channel text not null,
    sent integer not null check (sent > 0),
    primary key (day, user_id, channel)
) with (fillfactor = 70);
