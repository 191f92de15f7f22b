-- Templates have more parts, partials, declared variables, samples, and a history of what was published.

alter table template_versions
    add column image text not null default '',
    add column link text not null default '',
    add column body text not null default '',
    add column template_id text not null default '';
comment on column template_versions.subject is 'of an e-mail; of a push message, the title';
comment on column template_versions.text is 'of an e-mail or SMS; of a push message, the body';
comment on column template_versions.image is 'of a push message: renders to the URL of its image';
comment on column template_versions.link is 'of a push message: renders to the URL that it opens';
comment on column template_versions.body is 'of a webhook: renders to the JSON of its data; empty: the data as it is';
comment on column template_versions.template_id is 'of an e-mail: the dynamic template at SendGrid that is sent instead of the other parts';

-- What holds for all channels and locales of one version of a template.
create table template_details (
    name text not null references templates on delete cascade,
    version integer not null,
    variables json,
    language text not null default 'en',
    samples json not null default '{}' constraint template_details_samples_are_an_object check (json_typeof(samples) = 'object'),
    actor text not null default '',
    comment text not null default '',
    created_at timestamptz not null default now(),
    primary key (name, version)
);
comment on column template_details.variables is 'the JSON Schema of the data; null: any data';
comment on column template_details.language is 'of the locale default, for dates, numbers and plurals';
comment on column template_details.samples is 'by name, the data for previews, which must render before the version is published';

comment on column templates.published_version is '0: none is published yet';

-- Append-only: which version of a template was published when.
create table template_publications (
    name text not null,
    number integer not null,
    version integer not null,
    change text not null check (change in ('published', 'rolled_back')),
    actor text not null default '',
    comment text not null default '',
    occurred_at timestamptz not null default now(),
    primary key (name, number)
);

create trigger append_only before update or delete on template_publications for each row execute function reject_change();
create trigger append_only_as_a_whole before truncate on template_publications for each statement execute function reject_change();

-- A trigger writes them, so that no way of publishing leaves one out. A version that was published before is rolled back to.
create function record_template_publication() returns trigger language plpgsql as $$
begin
    if new.published_version = 0 or (tg_op = 'UPDATE' and new.published_version = old.published_version) then
        return null;
    end if;
    insert into template_publications (name, number, version, change, actor, comment)
    select
        new.name,
        coalesce(max(number), 0) + 1,
        new.published_version,
        case when bool_or(version = new.published_version) then 'rolled_back' else 'published' end,
        coalesce(nullif(current_setting('herold.actor', true), ''), session_user),
        coalesce(current_setting('herold.comment', true), '')
    from template_publications where name = new.name;
    return null;
end $$;

insert into template_publications (name, number, version, change, comment, occurred_at)
select name, 1, published_version, 'published', 'before publications were recorded', updated_at from templates;

create trigger record_publication after insert or update on templates for each row execute function record_template_publication();

-- Pieces that templates include, such as a footer, and layouts that they extend; by locale, as templates are.
create table partials (
    name text not null check (name <> ''),
    locale text not null default 'default',
    text text not null default '',
    html text not null default '',
    updated_at timestamptz not null default now(),
    primary key (name, locale)
);

create trigger bump_policy_version after insert or update or delete or truncate on template_details execute function bump_policy_version();
create trigger bump_policy_version after insert or update or delete or truncate on partials execute function bump_policy_version();
