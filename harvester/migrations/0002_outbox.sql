-- Recipients that the mail server put off while it took the mail for the others; JSON list.
alter table outbox add column pending text not null default '[]';

-- What is wrong at the moment, so that the owner hears of each trouble once, and once when it is over.
create table alarms (
  key text primary key,                 -- job:poll | digest:2026-W47 | ...
  sentence text not null,
  raised_at text not null,
  told_at text,
  over_at text
);
