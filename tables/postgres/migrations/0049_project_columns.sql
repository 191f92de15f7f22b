-- What grows with the history says its project itself (docs/decisions/0069), and has an index by it. The constant default changes the catalogue
-- only. The next revision (0050) fills what is in the partitions, and builds their parts of the indexes, while others write.
-- Everyone waits behind whoever waits for a table as a whole, so that is not for long: run the upgrade again if it was too busy.
set local lock_timeout = '3s';

-- Dead letters are few beside what is delivered: they are filled at once, before anything else is locked.
alter table dead_letters add column project text collate "C" not null default '';
comment on column dead_letters.project is 'the project of the user; empty: the default one''s';
update dead_letters set project = project_of(user_id) where starts_with(user_id, '@') and project_of(user_id) <> '';
create index dead_letters_project_id_idx on dead_letters (project, id);

alter table notifications add column project text collate "C" not null default '';
comment on column notifications.project is 'the project of the user; empty: the default one''s, or the row is older than 0049 and not filled yet';
create index notifications_project_id_user_id_idx on only notifications (project, id, user_id);

alter table deliveries add column project text collate "C" not null default '';
comment on column deliveries.project is 'the project of the user; empty: the default one''s, or the row is older than 0049 and not filled yet';
create index deliveries_project_id_idx on only deliveries (project, id);
create index deliveries_project_id_reason_idx on only deliveries (project, id) where reason <> '';

-- Only a name is trusted: for rows without one the id of the user says whose they are, as before. So a row that is not filled yet is missing in a
-- list, and never in that of another project. The CASE is that of 0048, which the other tables with long lists need as well.
do $$
declare
    one text;
    condition text;
begin
    for one, condition in
        select tablename, qual from pg_policies
        where schemaname = 'public' and policyname = 'own_project'
            and tablename in ('audit_log', 'broadcasts', 'redrives', 'suppressions', 'users', 'webhook_endpoints')
    loop
        execute format('alter policy own_project on %I using (case when %s then true else false end)', one, condition);
    end loop;
    foreach one in array array['notifications', 'deliveries', 'dead_letters'] loop
        execute format(
            'alter policy own_project on %I using (case when coalesce(current_setting(''herold.project'', true), '''') '
            'in ('''', '':'' || coalesce(nullif(project, ''''), project_of(user_id))) then true else false end)',
            one
        );
    end loop;
end $$;
