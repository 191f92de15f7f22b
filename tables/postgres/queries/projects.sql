-- get_project: gets a project.
select *, encrypts_personal_data as encrypts from projects where id = $1;

-- list_projects: lists projects after an id, in the order of ids, with a part of the id or name.
select *, encrypts_personal_data as encrypts from projects
where id > $1 and (position(lower($2) in lower(name)) > 0 or position($2 in id) > 0)
order by id
limit $3;

-- list_settings: lists what operators chose for each project.
select id, weight, rate, burst, encrypts_personal_data as encrypts from projects;

-- find_missing: finds those of some ids that no project has.
select wanted.id from unnest($1::text[]) as wanted (id) where not exists (select from projects where projects.id = wanted.id);

-- insert_project: inserts a project; returns nothing if there is one.
insert into projects (id, name, weight, rate, burst, encrypts_personal_data, created_by) values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
returning *, encrypts_personal_data as encrypts;

-- lock_project: locks a project.
select *, encrypts_personal_data as encrypts from projects where id = $1 for update;

-- update_project: changes a project.
update projects
set name = $2, weight = $3, rate = $4, burst = $5, encrypts_personal_data = $6, version = nextval('project_version_seq')
where id = $1
returning *, encrypts_personal_data as encrypts;
