-- list_templates: lists a page of templates after a name ($1, null for the first page) whose names contain a text ($2), at most $3.
select
    name,
    published_version,
    coalesce((select max(version) from template_versions where template_versions.name = templates.name), 0) as latest_version,
    array(
        select distinct channel from template_versions where template_versions.name = templates.name and version = published_version order by channel
    ) as channels,
    array(
        select distinct locale from template_versions where template_versions.name = templates.name and version = published_version order by locale
    ) as locales,
    extract(epoch from updated_at)::float8 as updated_at
from templates
where ($1::text is null or name collate "C" > $1) and position(lower($2) in lower(name)) > 0
order by name collate "C"
limit $3;

-- get_published_version: returns the published version of a template.
select published_version from templates where name = $1;

-- get_latest_version: returns the latest version of a template, 0 if there is none.
select coalesce(max(version), 0) from template_versions where name = $1;

-- list_latest_versions: lists the latest version of each template.
select name, max(version) as version from template_versions group by name;

-- list_contents: lists the contents of a version by channel and locale.
select name, version, channel, locale, subject, text, html, image, link, body, template_id, options from template_versions where name = $1 and version = $2;

-- get_details: returns what holds for all channels and locales of a version.
select
    name, version, coalesce(variables::text, '') as variables, language, case samples::text when '{}' then '' else samples::text end as samples,
    experiment, case variants::text when '{}' then '' else variants::text end as variants, at_most_once,
    coalesce(email_options::text, '') as email_options,
    actor, comment, extract(epoch from created_at)::float8 as created_at
from template_details where name = $1 and version = $2;

-- list_versions: lists the versions of a template, newest first.
select versions.version, coalesce(actor, '') as actor, coalesce(comment, '') as comment, extract(epoch from created_at)::float8 as created_at
from (select distinct version from template_versions where name = $1) as versions
left join template_details on template_details.name = $1 and template_details.version = versions.version
order by versions.version desc;

-- list_publications: lists the publications of a template, newest first.
select number, version, change, actor, comment, extract(epoch from occurred_at)::float8 as occurred_at
from template_publications where name = $1 order by number desc;

-- insert_template: inserts a template without a published version, if it is missing.
insert into templates (name, published_version) values ($1, 0) on conflict do nothing;

-- insert_contents: inserts the contents of a version for a channel and locale.
insert into template_versions (name, version, channel, locale, subject, text, html, image, link, body, template_id, options)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- insert_details: inserts what holds for all channels and locales of a version.
insert into template_details (name, version, variables, language, samples, experiment, variants, at_most_once, email_options, actor, comment)
values (
    $1, $2, nullif($3, '')::json, $4, coalesce(nullif($5, ''), '{}')::json, $6, coalesce(nullif($7, ''), '{}')::json, $8,
    nullif($9, '')::json, $10, $11
);

-- publish: makes a version the one that is used.
update templates set published_version = $2, updated_at = now() where name = $1;

-- get_previous_version: returns the version that was published before the one that is published now.
select version from template_publications
where name = $1 and version <> (select published_version from templates where name = $1)
order by number desc limit 1;

-- count_variants: counts the deliveries of an experiment ($1) by variant, channel and status, of those with ids from $2.
select substr(variant, length($1) + 2) as variant, channel, status, count(*) as deliveries
from deliveries
where variant <> '' and variant collate "C" >= $1 || '/' and variant collate "C" < $1 || '0' and id >= $2
group by 1, 2, 3 order by 1, 2, 3;
