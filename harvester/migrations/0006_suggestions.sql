-- What the machine offers people to decide; written anew by every run that placed something.
create table suggestions (
  kind text not null check (kind in ('merge', 'broad')),
  topic integer not null references topics (id),
  other integer references topics (id),
  score real not null,
  made_at text not null
);

-- Who said the category and the stage: 'machine', or a person, who wins for good.
alter table topics add column category_by text not null default 'machine';
alter table topics add column stage_by text not null default 'machine';
