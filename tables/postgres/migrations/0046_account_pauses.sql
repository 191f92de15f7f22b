-- Accounts of providers that operators have paused (docs/decisions/0067), and an index that finds why calls failed lately.
create table account_pauses (
    account text collate "C" primary key check (length(account) between 1 and 300),
    reason text not null check (length(reason) between 1 and 1000),
    paused_by text not null,
    paused_at timestamptz not null default now(),
    ends_at timestamptz
);
comment on table account_pauses is 'accounts and webhook hosts whose deliveries wait; they belong to all projects';
comment on column account_pauses.account is 'a section of providers in faust.yml, or the origin of a webhook host';
comment on column account_pauses.ends_at is 'when the account is resumed by itself; null: never';

-- Workers read it; whoever acts for a project only must not see or change what concerns all.
alter table account_pauses enable row level security;
create policy all_rows on account_pauses using (true) with check (true);
create policy no_project on account_pauses as restrictive to herold_project
    using (coalesce(current_setting('herold.project', true), '') in ('', ':'))
    with check (coalesce(current_setting('herold.project', true), '') in ('', ':'));

-- Of the table only: 0050 builds it in the partitions, while others write.
create index delivery_logs_failed_idx on only delivery_logs (occurred_at) where outcome not in ('', 'ACCEPTED');
