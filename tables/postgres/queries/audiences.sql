-- get_audience: gets an audience by its name.
select id, name, kind, filter, description, version, created_at, updated_at from audiences where name = $1;

-- list_audiences: lists audiences after a name whose names contain a text, in the order of names.
select id, name, kind, filter, description, version, created_at, updated_at
from audiences
where name collate "C" > $1 and position($2 in name) > 0
order by name collate "C"
limit $3;

-- insert_audience: inserts an audience; returns nothing if there is one with this name.
insert into audiences (id, name, kind, filter, description) values ($1, $2, $3, $4, $5)
on conflict (name) do nothing
returning id, name, kind, filter, description, version, created_at, updated_at;

-- lock_audience: locks an audience by its name.
select id, name, kind, filter, description, version, created_at, updated_at from audiences where name = $1 for update;

-- update_audience: replaces the filter and the description of an audience.
update audiences set filter = $2, description = $3 where id = $1
returning id, name, kind, filter, description, version, created_at, updated_at;

-- delete_audience: deletes an audience with its members.
delete from audiences where id = $1;

-- list_uses: lists what would lose its users with an audience: schedules, and broadcasts that have not ended.
select 'the schedule ' || name as use from schedules where audience_id = $1
union all
select 'the broadcast brd_' || replace(id::text, '-', '') from broadcasts
where audience_id = $1 and state in ('pending', 'running', 'paused')
order by 1
limit 3;

-- find_unknown_users: finds the users of a list who do not exist.
select wanted.user_id from unnest($1::text[]) as wanted (user_id)
where not exists (select from users where users.id = wanted.user_id);

-- insert_members: adds users to a list, without those who do not exist or are members already; returns those who were added.
insert into audience_members (audience_id, user_id)
select $1, id from users where id = any ($2) order by id
on conflict do nothing
returning user_id;

-- delete_members: removes users from a list; returns those who were removed.
delete from audience_members where audience_id = $1 and user_id = any ($2) returning user_id;

-- count_existing_members: counts the users of a list of ids who are members.
select count(*) as count from audience_members where audience_id = $1 and user_id = any ($2);
