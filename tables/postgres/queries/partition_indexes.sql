-- list_missing: lists the partitions without an index of their table, the newest first, with what follows the name of the table in its
-- definition. That of a table is valid when all partitions have theirs.
select parent.relname as table, parent_index.relname as index, partition.relname as partition,
    substring(pg_get_indexdef(parent_index.oid) from ' (USING .*)$') as definition, pg_get_indexdef(parent_index.oid, 1, true) = 'project' as is_by_project
from pg_index
join pg_class parent_index on parent_index.oid = indexrelid and parent_index.relkind = 'I'
join pg_class parent on parent.oid = indrelid and parent.relnamespace = 'public'::regnamespace
join pg_inherits on inhparent = parent.oid
join pg_class partition on partition.oid = inhrelid
where not indisvalid and not exists (
    select from pg_inherits of_index join pg_index own on own.indexrelid = of_index.inhrelid
    where of_index.inhparent = parent_index.oid and own.indrelid = partition.oid
)
order by partition.relname desc, index;

-- count_blocks: counts the blocks of a partition.
select pg_relation_size(format('%I', $1::text)::regclass) / current_setting('block_size')::bigint;

-- fill_projects: sets the project of the rows in the blocks from $1 and before $2 of a partition that have none, but a user of one.
update {partition} set project = project_of(user_id)
where ctid >= format('(%s,0)', $1::bigint)::tid and ctid < format('(%s,0)', $2::bigint)::tid
    and project = '' and starts_with(user_id, '@') and project_of(user_id) <> '';

-- analyze: tells the planner of the projects in a partition: nothing else may change in it any more.
analyze {partition} (project);

-- drop_unfinished: drops what a build that failed has left.
drop index concurrently if exists {own_index};

-- create_index: builds the index of a partition; others write meanwhile.
create index concurrently {own_index} on {partition} {definition};

-- attach_index: makes it the partition's part of the index of the table.
alter index {index} attach partition {own_index};
