"""Writes the sample mailbox (data/sample/mails) and its truth from the sources in bench/sample; prints its counts."""

import json
from collections import Counter
from pathlib import Path

from bench.sample.mime import write_mail
from bench.sample.sources import Sources, read_sources
from bench.sample.truth import describe_mail, describe_topics

ROOT = Path(__file__).parent.parent
MAILS = ROOT / "data" / "sample" / "mails"
TRUTH = ROOT / "bench" / "sample"


def build_files(sources: Sources) -> dict[Path, bytes]:
    """Every file that the sources give, with its content."""
    rows = [describe_mail(item, sources) for item in sources.items]
    config = {key: sources.company[key] for key in ("name", "domains", "authserv_id")}
    files = {MAILS / f"{item.id}.eml": write_mail(item, sources) for item in sources.items}
    files[TRUTH / "truth.jsonl"] = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    files[TRUTH / "topics.json"] = (json.dumps(describe_topics(sources), ensure_ascii=False, indent=1) + "\n").encode()
    files[TRUTH / "config.json"] = (json.dumps(config) + "\n").encode()
    return files


def write_files(files: dict[Path, bytes]) -> None:
    """Write all files and remove mails that no source gives any more."""
    MAILS.mkdir(parents=True, exist_ok=True)
    for old in set(MAILS.glob("*.eml")) - set(files):
        old.unlink()
    for path, content in files.items():
        path.write_bytes(content)


def print_counts(sources: Sources) -> None:
    genuine = [item for item in sources.items if item.kind != "raw"]
    companies = {item.company for item in genuine}
    print(f"mails: {len(sources.items)}, genuine: {len(genuine)}, companies: {len(companies)}")
    print(f"insights: {sum(len(item.insights) for item in genuine)}")
    print(f"scored only: {sum(item.scored_only for item in genuine)}")
    for name in ("lang", "client", "body", "charset", "cte", "kind"):
        print(f"{name}: {dict(Counter(getattr(item, name) for item in genuine).most_common())}")
    print(f"reps: {dict(Counter(item.rep.name for item in genuine if item.rep).most_common())}")
    for slug, row in describe_topics(sources).items():
        wanted = sources.topics[slug]["companies"]
        windows = f"{row['companies_28_days_before']:2} before, {row['companies_last_28_days']:2} last 28 days"
        print(f"{slug:18} {row['companies']:2} of {wanted:2} companies, {windows}, {row['insights']:2} insights")


def main() -> None:
    sources = read_sources()
    write_files(build_files(sources))
    print_counts(sources)


if __name__ == "__main__":
    main()
