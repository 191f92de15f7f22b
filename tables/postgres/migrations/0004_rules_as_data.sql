-- Rules decide more, rate limits count by category and tier, and every version of a rule is kept.

alter table rules
    alter column priority drop not null,
    add column consent text not null default '' check (consent in ('', 'none', 'opt_out', 'opt_in')),
    add column quiet_hours text not null default '' check (quiet_hours in ('', 'ignore', 'hold', 'reject')),
    add column over_limit text not null default 'reject' check (over_limit in ('reject', 'hold')),
    add column condition text not null default '',
    add column priorities jsonb not null default '[]' constraint rules_priorities_are_a_list check (jsonb_typeof(priorities) = 'array'),
    add column expires_after integer not null default 0 check (expires_after >= 0);
comment on column rules.priority is 'of the deliveries; null: that of the topic of the notification';
comment on column rules.priorities is '[{"when": expression, "priority": "high"}, ...]: the first true one wins over the column priority';
comment on column rules.expires_after is 'seconds; 0: a day';

-- An empty channel is a limit over all channels together.
alter table rate_limits
    add column category text not null default '',
    add column tier text not null default '',
    drop constraint rate_limits_channel_fkey,
    drop constraint rate_limits_pkey,
    add primary key (channel, category, tier, window_seconds);

create function check_rate_limit_channel() returns trigger language plpgsql as $$
begin
    if new.channel <> '' and not exists (select from channels where name = new.channel) then
        raise foreign_key_violation using message = format('the channel of a rate limit is not in the table channels: %s', new.channel);
    end if;
    return new;
end $$;

create trigger check_channel before insert or update on rate_limits for each row execute function check_rate_limit_channel();

-- Append-only; `rule` is null in the version that deletes the rule. Triggers write it, so that no way of changing a rule leaves it out.
create table rule_versions (
    type text not null,
    version integer not null,
    rule jsonb,
    actor text not null default '',
    comment text not null default '',
    changed_at timestamptz not null default now(),
    primary key (type, version)
);

-- The next version of a rule that changes; one that is created again continues where the deleted one ended.
create function set_rule_version() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if to_jsonb(new) - '{version,updated_at}'::text[] = to_jsonb(old) - '{version,updated_at}'::text[] then
            new.version := old.version;
            return new;
        end if;
    end if;
    new.version := greatest(new.version, (select coalesce(max(version), 0) + 1 from rule_versions where type = new.type));
    return new;
end $$;

-- Who changes a rule and why are settings of the transaction: set_config('herold.actor', ..., true), set_config('herold.comment', ..., true).
create function record_rule_version() returns trigger language plpgsql as $$
declare
    actor text := coalesce(nullif(current_setting('herold.actor', true), ''), session_user);
    comment text := coalesce(current_setting('herold.comment', true), '');
begin
    if tg_op = 'DELETE' then
        insert into rule_versions (type, version, rule, actor, comment) values (old.type, old.version + 1, null, actor, comment);
    else
        insert into rule_versions (type, version, rule, actor, comment)
        values (new.type, new.version, to_jsonb(new) - '{version,updated_at}'::text[], actor, comment)
        on conflict do nothing;
    end if;
    return null;
end $$;

insert into rule_versions (type, version, rule, actor, comment, changed_at)
select type, version, to_jsonb(rules) - '{version,updated_at}'::text[], session_user, 'before versions were kept', updated_at from rules;

create trigger set_version before insert or update on rules for each row execute function set_rule_version();
create trigger record_version after insert or update or delete on rules for each row execute function record_rule_version();

create function prevent_rule_version_change() returns trigger language plpgsql as $$
begin
    raise exception 'the table % is append-only', tg_table_name;
end $$;

create trigger append_only before update or delete or truncate on rule_versions execute function prevent_rule_version_change();
