-- list_views: lists the views of a page that an account has made, and the shared ones of the project, in the order of ids after one.
select id, page, name, search, is_shared, account_id = $2 as is_own, extract(epoch from created_at)::float8 as created_at
from saved_views
where project = $1 and (account_id = $2 or is_shared) and page = $3 and id > $4
order by id
limit $5;

-- lock_account: locks an account, so that two requests at once do not both take the last place; a count is in a statement of its own, which
-- sees what the other request has committed.
select from accounts where id = $1 for update;

-- count_views: how many views an account has.
select count(*) from saved_views where account_id = $1;

-- insert_view: inserts a view; no row if there is one with the name.
insert into saved_views (id, project, account_id, page, name, search, is_shared) values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
returning id, page, name, search, is_shared, true as is_own, extract(epoch from created_at)::float8 as created_at;

-- delete_view: deletes a view of an account; a shared one of the project also if $4.
delete from saved_views where id = $1 and project = $2 and (account_id = $3 or (is_shared and $4)) returning id;
