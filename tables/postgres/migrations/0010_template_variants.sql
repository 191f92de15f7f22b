-- Variants of templates, and which variant a delivery is of.

alter table template_details
    add column experiment text not null default '',
    add column variants json not null default '{}' constraint template_details_variants_are_an_object check (json_typeof(variants) = 'object');
comment on column template_details.experiment is 'names the comparison of the variants; empty without variants';
comment on column template_details.variants is 'by name, the percentage of users and the parts that differ from those of the template';

alter table deliveries add column variant text not null default '';
comment on column deliveries.variant is 'the experiment and the variant of the template, experiment/variant; empty without an experiment';
create index deliveries_variant_idx on only deliveries (variant collate "C", id) where variant <> '';
