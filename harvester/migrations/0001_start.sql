-- What we were given. Never recomputed.
create table messages (
  id integer primary key,
  sha256 text not null unique,          -- of the bytes as the server gave them
  raw blob,                             -- null once keep_raw_days have passed
  size integer not null,
  received_at text,                     -- INTERNALDATE or the file's date, ISO 8601, UTC
  captured_at text not null
);

create table captures (
  id integer primary key,
  message integer not null references messages(id) on delete cascade,
  host text,                            -- IMAP: (host, folder, uidvalidity, uid) is the identity of a capture
  folder text,
  uidvalidity integer,
  uid integer,
  path text,                            -- files
  captured_at text not null,
  unique (host, folder, uidvalidity, uid)
);
create index captures_message on captures(message);

create table mailboxes (
  host text not null,
  folder text not null,
  uidvalidity integer not null,
  last_uid integer not null,
  polled_at text not null,
  primary key (host, folder)
);

-- What we understood. Recomputable from messages.raw by better code.
create table readings (
  message integer primary key references messages(id) on delete cascade,
  version text not null,                -- of the code that read it
  tries integer not null default 0,     -- workers that died over it
  status text,                          -- accepted | ignored | quarantined | excluded | failed; null: not yet understood
  reason text,
  kind text not null default 'answer',  -- answer | heard | broadcast
  message_id text,
  in_reply_to text,                     -- JSON list
  refs text,                            -- JSON list
  thread text,
  duplicate_of integer references messages(id) on delete set null,
  subject text,
  sent_at text,                         -- UTC
  colleague text,
  company text,
  team text not null default '',        -- plus-tag of the answers address: answers+emea@ -> emea
  language text,
  released integer not null default 0,  -- a person let it out of quarantine
  harvested integer not null default 0  -- its insights were extracted
);
create index readings_status on readings(status);
create index readings_message_id on readings(message_id);
create index readings_thread on readings(thread);
create index readings_company on readings(company);

create table thread_ids (
  identifier text primary key,          -- what some mail of the thread has or refers to: Message-ID, subject and people
  thread text not null
);
create index thread_ids_thread on thread_ids(thread);

create table people (
  message integer not null references messages(id) on delete cascade,
  field text not null,                  -- from | to | cc
  address text not null,
  name text not null,
  is_colleague integer not null
);
create index people_message on people(message);
create index people_address on people(address);

create table parts (
  message integer not null references messages(id) on delete cascade,
  position integer not null,
  role text not null,
  label text not null default '',
  author text,
  author_name text,
  author_kind text not null,
  sent_at text,                         -- as the quote says, naive when it names no zone
  depth integer not null,
  answers integer,
  text text not null,
  text_hash text not null,              -- of the letters and digits only; the same quote seen again
  primary key (message, position)
);
create index parts_text_hash on parts(text_hash);

create table links (
  message integer not null references messages(id) on delete cascade,
  url text not null,
  text text not null
);
create index links_message on links(message);

create table attachments (
  message integer not null references messages(id) on delete cascade,
  file_name text not null,
  content_type text not null,
  size integer not null
);
create index attachments_message on attachments(message);

create table insights (
  id integer primary key,
  message integer not null references messages(id) on delete cascade,
  part integer not null,
  kind text not null,
  text text not null,
  context text not null default '',
  fingerprint text not null,            -- letters and digits of the text, lower case
  thread text not null,
  company text not null,
  person text,
  asked_at text not null,               -- UTC
  language text not null,
  category text not null,
  stage text not null,
  confidence real not null,
  rule text not null,
  inferred integer not null default 0,
  answer text,
  unique (thread, company, fingerprint)
);
create index insights_company on insights(company);
create index insights_message on insights(message);

create virtual table insights_search using fts5 (text, answer, subject, tokenize="unicode61 remove_diacritics 2");

-- Facts: ids, names and human decisions are never recomputed.
create table vectors (
  insight integer not null references insights(id) on delete cascade,
  model text not null,
  vector blob not null,                 -- float32, little endian, unit length, frozen on arrival
  primary key (insight, model)
);

create table topics (
  id integer primary key autoincrement, -- 17 is shown as T-017; never used twice
  name text not null,
  named_by text not null default 'machine',
  slug text not null,
  status text not null default 'open',  -- open | claimed | drafting | published | wont-do | snoozed
  status_detail text,                   -- URL, reason, date or name that goes with the status
  category text not null,
  stage text not null,
  born_at text not null,
  merged_into integer references topics(id),
  dismissed integer not null default 0
);

create table assignments (
  insight integer primary key references insights(id) on delete cascade,
  topic integer not null references topics(id),
  similarity real,
  decided_by text not null default 'machine',
  decided_at text not null
);
create index assignments_topic on assignments(topic);

create table decisions (
  id integer primary key autoincrement,
  decided_at text not null,
  author text not null,
  verb text not null,
  topic integer not null references topics(id),
  detail text not null,                 -- JSON: what is needed to do it again and to undo it
  undone_at text
);

create table engine (
  key text primary key,
  value blob not null
);

-- What went out.
create table outbox (
  id integer primary key,
  audience text not null,
  week text not null,                   -- 2026-W47
  message_id text not null unique,
  recipients text not null,             -- JSON list
  mail blob not null,                   -- frozen before the first byte is sent
  state text not null,                  -- frozen | sending | sent | unknown | failed
  state_at text not null,
  covers_from text not null,
  covers_until text not null,
  detail text not null default '',
  unique (audience, week)
);

create table outbox_topics (
  outbox integer not null references outbox(id) on delete cascade,
  topic integer not null references topics(id),
  rank integer not null,
  block text not null,                  -- write-next | top | new
  companies integer not null,
  companies_before integer not null,
  primary key (outbox, topic, block)
);

create table runs (
  id integer primary key,
  verb text not null,                   -- poll | load | analyze | site | digest
  started_at text not null,
  ended_at text,
  outcome text not null,                -- done | failed | running
  detail text not null default ''       -- one sentence or counts, no addresses
);
create index runs_verb on runs(verb, started_at);
