"""The rules of the study: nothing of it without being asked for, and all of it when it is."""

import re

import pytest
import yaml
from conftest import ROOT

from emohead.evaluation.published import TABLE_2


def plan(snakemake, jobs, folder, *targets, **study):
    (folder / "mine.yaml").write_text(yaml.safe_dump({"study": study}))
    done = snakemake(
        folder, *targets, "--dry-run", "--printshellcmds", "--configfile", str(folder / "mine.yaml")
    )
    return jobs(done), done.stdout + done.stderr


def test_a_study_needs_its_methods_alone_and_says_what_it_shows(snakemake, jobs, tmp_path):
    planned, output = plan(snakemake, jobs, tmp_path, "study", methods=["ours_wo_aatu"], clips=9)
    assert planned["study"] == 1
    assert planned["train_landmarks"] == planned["train_translator"] == 1
    assert "report_page" not in planned and "report_study" not in planned
    (command,) = re.findall(r"python \S*/study\.py .*", output)
    folders = re.findall(r"--videos (\w+)=(\S+)", command)
    assert [name for name, _ in folders] == [
        name for name in ("ground_truth", "copy_reference", "ours_wo_aatu") for _ in range(2)
    ]
    # Of these runs, and no others, the study's videos are kept.
    scoring = re.findall(r"python \S*/score_clips\.py .*", output)
    kept = [line for line in scoring if "--study 9 0" in line]
    assert len(scoring) == len(kept) == len(folders)
    for name, folder in folders:
        assert sum(f"--method {name} " in line and folder in line for line in kept) == 1


def test_with_the_comparators_a_study_has_the_papers_rows():
    comparators = yaml.safe_load((ROOT / "config/comparators.yaml").read_text())
    assert sorted(comparators["study"]["methods"]) == sorted(TABLE_2)


def test_all_has_no_study_until_there_are_answers(snakemake, jobs, tmp_path):
    planned, _ = plan(snakemake, jobs, tmp_path)
    assert not {"study", "report_study"} & planned.keys()
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers/link.json").symlink_to("nothing")  # the table's note will name it
    planned, output = plan(snakemake, jobs, tmp_path, answers="answers")
    assert planned["report_study"] == 1 and "study" not in planned
    (command,) = re.findall(r"python \S*/report_page\.py .*", output)
    assert "--study results/report/table2.html" in command


@pytest.mark.parametrize(("answers", "words"), [(None, "name the folder"), ("gone", "no folder")])
def test_no_answers_are_named(snakemake, jobs, tmp_path, answers, words):
    _, output = plan(snakemake, jobs, tmp_path, "report_study", answers=answers)
    assert re.search(rf"^config: study\.answers: .*{words}", output, re.MULTILINE)
