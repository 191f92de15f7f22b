-- list_overrides: lists the projects that say themselves whether the data of their users is sealed.
select id, encrypts_personal_data from projects where encrypts_personal_data is not null;
