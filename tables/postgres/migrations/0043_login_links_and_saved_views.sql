-- Links that log in, which whoever runs the stack makes; and views of the dashboard that people keep.
alter table account_links
    drop constraint account_links_purpose_check,
    add constraint account_links_purpose_check check (purpose in ('password_reset', 'first_admin', 'login'));
alter table sessions
    drop constraint sessions_method_check,
    add constraint sessions_method_check check (method in ('password', 'passkey', 'oidc', 'link'));

create table saved_views (
    id uuid primary key,
    project text collate "C" not null default '',
    account_id uuid not null references accounts on delete cascade,
    page text not null check (length(page) between 1 and 64),
    name text not null check (length(name) between 1 and 128),
    search text not null check (length(search) <= 4096),
    is_shared boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index saved_views_own_name_idx on saved_views (project, account_id, page, name) where not is_shared;
create unique index saved_views_shared_name_idx on saved_views (project, page, name) where is_shared;
create index saved_views_account_idx on saved_views (account_id);
comment on table saved_views is 'named filters of a page of the dashboard, of one account; shared ones are seen by all of the project';
comment on column saved_views.search is 'the query of the page''s URL, without the question mark';
alter table saved_views enable row level security;
create policy all_rows on saved_views using (true) with check (true);
create policy own_project on saved_views as restrictive to herold_project
    using (coalesce(current_setting('herold.project', true), '') in ('', ':' || project))
    with check (coalesce(current_setting('herold.project', true), '') in ('', ':' || project));
