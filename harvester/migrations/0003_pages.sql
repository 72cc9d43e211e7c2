-- Existing content of the company, as a sitemap, feed, list or folder names it. A page is never deleted, only gone.
create table pages (
  id integer primary key,
  key text not null unique,             -- its address without what does not tell pages apart: scheme, www, utm_, #...
  url text not null,
  title text not null default '',
  summary text not null default '',
  text text not null default '',
  language text not null default '',
  published_on text,                    -- the day, as the source says; null when it does not
  changed_at text,                      -- what the source says about its last change, verbatim
  first_seen_at text not null,
  seen_at text not null
);

create table page_listings (
  page integer not null references pages(id) on delete cascade,
  source text not null,                 -- file, folder or address that it was imported from
  gone_at text,                         -- when the source no longer listed it
  primary key (page, source)
);

-- Passages of a page as the encoders see them. Recomputable.
create table page_vectors (
  page integer not null references pages(id) on delete cascade,
  model text not null,
  position integer not null,            -- 0 is the title
  passage text not null,
  vector blob not null,                 -- float32, little endian, unit length
  primary key (page, model, position)
);

-- Which pages answer a topic, as the machine sees it. Recomputable.
create table page_matches (
  topic integer not null references topics(id),
  page integer not null references pages(id) on delete cascade,
  coverage text not null,               -- partly | answered
  score real not null,
  reason text not null,
  links_sent integer not null default 0,
  primary key (topic, page)
);

-- What a topic said when it was last compared with pages: nothing is embedded twice. Recomputable.
create table page_voices (
  topic integer primary key references topics(id),
  fingerprint text not null,            -- of the model and the texts
  vectors blob not null                 -- float32, little endian: questions, then answers, by encoder
);

-- What people said about a page and a topic. Never recomputed.
create table page_rulings (
  topic integer not null references topics(id),
  page integer not null references pages(id),
  coverage text not null,               -- none | partly | answered
  author text not null,
  decided_at text not null,
  primary key (topic, page)
);
