-- What lies inside each topic, so that the pages need not look again while nothing changed. Recomputable; numbers of
-- insights and single words only, and gone as soon as an insight goes or says something else.
create table outlines (
  topic integer primary key references topics(id) on delete cascade,
  fingerprint text not null,
  document text not null,               -- JSON
  middle blob not null                  -- mean of its vectors, float32, little endian
);

create trigger outlines_after_delete after delete on insights begin
  delete from outlines;
end;

create trigger outlines_after_change after update of text, context, answer, company, inferred on insights begin
  delete from outlines;
end;
