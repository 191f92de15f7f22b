-- insert_redrive: inserts a redrive without its items.
insert into redrives (id, selection, replacement, replacement_priority, include_delivered, extend_expiry, rate, reason, created_by, project,
                      total_count)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0);

-- insert_items: inserts at most $4 open dead letters with ids above $3 that the filter $2 selects as items, of a project if $5 names one;
-- returns how many, and the last.
with inserted as (
    insert into redrive_items (redrive_id, dead_letter_id)
    select $1, id from dead_letters
    where state = 'open' and id > $3 and selects_dead_letter($2::jsonb, dead_letters)
        and project_is($5) and ($5::text is null or project_of(user_id) = $5)
    order by id
    limit $4
    returning dead_letter_id
)
select count(*) as count, (select dead_letter_id from inserted order by dead_letter_id desc limit 1) as last from inserted;

-- insert_named_items: inserts these dead letters as items, whatever their state; returns how many.
with inserted as (
    insert into redrive_items (redrive_id, dead_letter_id)
    select distinct $1::uuid, id from unnest($2::uuid[]) as named (id)
    returning 1
)
select count(*) from inserted;

-- set_total: stores how many items there are; a redrive without any is done.
update redrives
set total_count = $2::bigint, state = case when $2::bigint = 0 then 'done' else 'pending' end, ended_at = case when $2::bigint = 0 then now() end
where id = $1;

-- list_projects_to_redrive: lists the projects of open dead letters that a filter selects, without those in which $2 has a redrive of the
-- account $3 that has not ended.
select distinct project_of(user_id) as project from dead_letters
where state = 'open' and selects_dead_letter($1::jsonb, dead_letters)
except
select coalesce(project, '') from redrives
where created_by = $2 and selection ->> 'account' = $3 and state in ('pending', 'running', 'paused')
order by project;

-- get_redrive: gets a redrive.
select * from redrives where id = $1;

-- list_redrives: lists redrives with ids below one, newest first, of a state if it is given.
select * from redrives where id < $1 and ($2::text is null or state = $2) order by id desc limit $3;

-- lock_redrive: locks a redrive, and gets its state.
select state from redrives where id = $1 for no key update;

-- change_state: changes the state of a redrive. One that goes on begins at once, and without the error that it may have.
update redrives
set state = $2, error = case when $2 = 'running' then '' else error end, ended_at = case when $2 = 'cancelled' then now() end,
    next_page_at = case when $2 = 'running' then now() else next_page_at end
where id = $1;

-- count_selected: counts the open dead letters that a filter selects, of a project if $2 names one.
select count(*) from dead_letters
where state = 'open' and selects_dead_letter($1::jsonb, dead_letters) and project_is($2)
    and ($2::text is null or project_of(user_id) = $2);

-- list_selected: lists the first $3 open dead letters that a filter selects, of a project if $2 names one, with their bytes.
select *, octet_length(value) as value_bytes from dead_letters
where state = 'open' and selects_dead_letter($1::jsonb, dead_letters) and project_is($2)
    and ($2::text is null or project_of(user_id) = $2)
order by id
limit $3;

-- list_named: lists at most $3 of these dead letters, of a project if $2 names one, with their bytes.
select *, octet_length(value) as value_bytes from dead_letters
where id = any($1::uuid[]) and ($2::text is null or project_of(user_id) = $2)
order by id
limit $3;
