-- The versions of rate limits, as rules have them.

alter table rate_limits
    add column version integer not null default 1,
    add column updated_at timestamptz not null default now();

-- Append-only; `max_count` is null in the version that deletes the limit. Triggers write it, so that no way of changing a limit leaves it out.
create table rate_limit_versions (
    channel text not null,
    category text not null,
    tier text not null,
    window_seconds integer not null,
    version integer not null,
    max_count integer,
    actor text not null default '',
    comment text not null default '',
    changed_at timestamptz not null default now(),
    primary key (channel, category, tier, window_seconds, version)
);

-- The next version of a limit that changes; one that is created again continues where the deleted one ended.
create function set_rate_limit_version() returns trigger language plpgsql as $$
begin
    new.version := greatest(new.version, (
        select coalesce(max(version), 0) + 1 from rate_limit_versions
        where channel = new.channel and category = new.category and tier = new.tier and window_seconds = new.window_seconds
    ));
    new.updated_at := now();
    return new;
end $$;

-- Who changes a limit and why are settings of the transaction, as for rules.
create function record_rate_limit_version() returns trigger language plpgsql as $$
declare
    actor text := coalesce(nullif(current_setting('herold.actor', true), ''), session_user);
    comment text := coalesce(current_setting('herold.comment', true), '');
begin
    if tg_op = 'DELETE' then
        insert into rate_limit_versions (channel, category, tier, window_seconds, version, actor, comment)
        values (old.channel, old.category, old.tier, old.window_seconds, old.version + 1, actor, comment);
    else
        insert into rate_limit_versions (channel, category, tier, window_seconds, version, max_count, actor, comment)
        values (new.channel, new.category, new.tier, new.window_seconds, new.version, new.max_count, actor, comment);
    end if;
    return null;
end $$;

insert into rate_limit_versions (channel, category, tier, window_seconds, version, max_count, actor, comment)
select channel, category, tier, window_seconds, version, max_count, session_user, 'before versions were kept' from rate_limits;

create trigger set_version before insert or update on rate_limits for each row execute function set_rate_limit_version();
create trigger record_version after insert or update or delete on rate_limits for each row execute function record_rate_limit_version();
create trigger append_only before update or delete or truncate on rate_limit_versions execute function prevent_rule_version_change();
