-- get_project: gets a project.
select * from projects where id = $1;

-- list_projects: lists projects after an id, in the order of ids, with a part of the id or name.
select * from projects where id > $1 and (position(lower($2) in lower(name)) > 0 or position($2 in id) > 0) order by id limit $3;

-- insert_project: inserts a project; returns nothing if there is one.
insert into projects (id, name, created_by) values ($1, $2, $3) on conflict do nothing returning *;

-- lock_project: locks a project.
select * from projects where id = $1 for update;

-- update_project: changes a project.
update projects set name = $2, version = nextval('project_version_seq') where id = $1 returning *;
