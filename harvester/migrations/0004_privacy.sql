-- The full-text index follows the insights by itself: what is deleted there can be found nowhere.
create trigger insights_search_insert after insert on insights begin
  insert into insights_search (rowid, text, answer, subject) values (
    new.id, trim(new.context || ' ' || new.text), coalesce(new.answer, ''),
    coalesce((select subject from readings where message = new.message), ''));
end;

create trigger insights_search_update after update of text, context, answer, message on insights begin
  update insights_search set
    text = trim(new.context || ' ' || new.text), answer = coalesce(new.answer, ''),
    subject = coalesce((select subject from readings where message = new.message), '')
  where rowid = new.id;
end;

create trigger insights_search_delete after delete on insights begin
  delete from insights_search where rowid = old.id;
end;

create trigger insights_search_subject after update of subject on readings begin
  update insights_search set subject = coalesce(new.subject, '')
  where rowid in (select id from insights where message = new.message);
end;

-- Since when only redacted insights are left of a mail: its days were over, or somebody in it was forgotten.
-- It is never read or harvested again.
alter table readings add column reduced_at text;

-- Requests to forget somebody; what was forgotten stands only as a salted hash among the tombstones.
create table erasures (
  id integer primary key,
  kind text not null,                   -- address | domain | message
  asked_at text not null,
  mails integer not null default 0,     -- erased as a whole
  passages integer not null default 0,  -- mails of others that lost what they said about it
  insights integer not null default 0,
  erased_at text,                       -- when it was out of the tables
  finished_at text                      -- when it was out of pages, copies, logs and the file itself
);

create table tombstones (
  digest text primary key,              -- HMAC of kind and value; tells whether a given value is meant, not which
  kind text not null,                   -- address | domain | message | bytes
  erasure integer not null references erasures(id)
);
create index tombstones_erasure on tombstones(erasure);

create table backups (
  path text primary key,
  made_at text not null,
  mails integer not null
);
