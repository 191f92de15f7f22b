-- What became of the notifications of a broadcast, which the scheduler counts in the history; and the cancel of what waits of it.
alter table broadcasts
    add column identified_ats timestamptz[] not null default '{}',
    add column cancelled_at timestamptz,
    add column next_count_at timestamptz,
    add column count_leased_by text not null default '',
    add column count_leased_until timestamptz,
    add column count_number integer not null default 0,
    add column count_cursor text not null default '',
    add column count_findings jsonb,
    add column counts jsonb,
    add column counted_at timestamptz;
comment on column broadcasts.identified_ats is 'all times that identified_at has had, in order: the ranges of the ids of its notifications';
comment on column broadcasts.next_count_at is 'when a page of its history is due to be counted; null: nothing changes any more';
comment on column broadcasts.count_leased_by is 'the worker that has a page of its count in hand, until count_leased_until; empty: none';
comment on column broadcasts.count_number is 'the number of the count: one that was begun before a cancel is void';
comment on column broadcasts.count_cursor is 'id and user of the last notification that was counted; empty: none';
comment on column broadcasts.count_findings is 'what the count in hand has found up to the cursor; schemas/broadcast_counts.py, BroadcastFindings';
comment on column broadcasts.counts is 'what the last count has found, as of counted_at';
create index broadcasts_next_count_at_idx on broadcasts (next_count_at) where next_count_at is not null;

-- A trigger, so that a scheduler of the release before, which still runs during an upgrade, begins counts too.
create function note_identified_at() returns trigger language plpgsql as $$
begin
    new.identified_ats := new.identified_ats || new.identified_at;
    new.next_count_at := coalesce(new.next_count_at, now());
    return new;
end $$;

create trigger note_identified_at before update of identified_at on broadcasts for each row
    when (new.identified_at is not null and new.identified_at is distinct from old.identified_at) execute function note_identified_at();

-- Those of the last days are counted; what waits of one that was cancelled before is sent, as it was said then.
update broadcasts set identified_ats = array[identified_at], next_count_at = case when state <> 'cancelled' and created_at > now() - interval '3 days' then now() end
where identified_at is not null;

-- The list of deliveries of tests, which are few. Of the table only: 0050 builds it in the partitions, while others write.
create index notifications_is_test_idx on only notifications (id) where is_test;
