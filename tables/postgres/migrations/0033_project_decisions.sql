-- What is decided for the users of a project is decided in it: its rate limits, and whose a broadcast is. The router knows which projects there
-- are, because an id that only looks like one of a project is the default one's.
alter table rate_limits
    add column project text collate "C" not null default '' check (project = '' or project ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    drop constraint rate_limits_pkey,
    add primary key (project, channel, category, tier, window_seconds);
comment on column rate_limits.project is 'whose users it counts; empty: those of the default project';

alter table rate_limit_versions
    add column project text collate "C" not null default '',
    drop constraint rate_limit_versions_pkey,
    add primary key (project, channel, category, tier, window_seconds, version);

create or replace function set_rate_limit_version() returns trigger language plpgsql as $$
begin
    new.version := greatest(new.version, (
        select coalesce(max(version), 0) + 1 from rate_limit_versions
        where project = new.project and channel = new.channel and category = new.category and tier = new.tier
            and window_seconds = new.window_seconds
    ));
    new.updated_at := now();
    return new;
end $$;

create or replace function record_rate_limit_version() returns trigger language plpgsql as $$
declare
    actor text := coalesce(nullif(current_setting('herold.actor', true), ''), session_user);
    comment text := coalesce(current_setting('herold.comment', true), '');
begin
    if tg_op = 'DELETE' then
        insert into rate_limit_versions (project, channel, category, tier, window_seconds, version, actor, comment)
        values (old.project, old.channel, old.category, old.tier, old.window_seconds, old.version + 1, actor, comment);
    else
        insert into rate_limit_versions (project, channel, category, tier, window_seconds, version, max_count, actor, comment)
        values (new.project, new.channel, new.category, new.tier, new.window_seconds, new.version, new.max_count, actor, comment);
    end if;
    return null;
end $$;

-- Until now the limits counted the users of all projects; the projects that there are keep them, as their own.
insert into rate_limits (project, channel, category, tier, window_seconds, max_count)
select projects.id, channel, category, tier, window_seconds, max_count from rate_limits cross join projects;

create trigger bump_policy_version after insert or update or delete or truncate on projects execute function bump_policy_version();
comment on column projects.weight is 'share of the default rate and burst of projects, for one without a rate of its own';
comment on column projects.rate is 'notifications a second; null: the default of the settings, times the weight';
comment on column projects.burst is 'notifications at once; null: as the rate';

-- A schedule copies its notification into its broadcasts, so this says whose each of them is.
alter table broadcasts add column project text collate "C" not null generated always as (project_of(notification ->> 'type')) stored;

do $$
declare
    name text;
begin
    foreach name in array array['rate_limits', 'rate_limit_versions', 'broadcasts'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy all_rows on %I using (true) with check (true)', name);
        execute format(
            'create policy own_project on %I as restrictive to herold_project using (coalesce(current_setting(''herold.project'', true), '''') in ('''', '':'' || project)) '
            'with check (coalesce(current_setting(''herold.project'', true), '''') in ('''', '':'' || project))',
            name
        );
    end loop;
end $$;
