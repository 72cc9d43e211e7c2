"""Topics of companies that were never learned from are called by a theme, and hardly ever by a wrong one."""

import shutil
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"
if not BENCH.exists():
    pytest.skip("the benches are not part of the package", allow_module_level=True)
sys.path.insert(0, str(BENCH))

from train_themes import hear_company, list_topics, read_companies, weigh  # noqa: E402

from nlp.embedding import Encoders  # noqa: E402
from nlp.same_topic import load_same_topic  # noqa: E402
from nlp.theme_model import load_theme_model  # noqa: E402
from nlp.themes import choose_column  # noqa: E402

SCORED = ("zinnow-quality-audits", "zumbrook-emergency-lighting")


def test_what_the_shipped_model_calls_topics_is_hardly_ever_wrong(tmp_path: Path, encoders: Encoders):
    for name in SCORED:
        shutil.copy(BENCH / "scored" / f"{name}.jsonl", tmp_path)
    companies = read_companies(encoders, tmp_path, BENCH / "scored" / "themes.toml")
    assert [company.name for company in companies] == list(SCORED)
    model, recogniser = load_theme_model(), load_same_topic().recogniser
    assert recogniser is not None
    topics = []
    for company in companies:
        wide = hear_company(company, model, recogniser)
        topics += [weigh(wide, *topic) for topic in list_topics(company)]
    called = [(topic.right, choose_column(topic.signals, model.caller)) for topic in topics]
    right = [right[column] for right, column in called if column is not None]
    assert len(right) >= 0.3 * len(topics)
    assert sum(right) >= 0.8 * len(right)
