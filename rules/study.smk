# study: the paper's Table 2. One rule makes a user study, one turns its answers into the table.
# Nothing of it is a part of `all`, but for the table once study.answers names a folder.


# A study that is out isn't made again: its key alone can read the answers.
rule study:
    input:
        script=script("study.py"),
        videos=[folder for _, folder in study_folders()],
        split="results/split.csv",
    output:
        page=protected(f"{STUDY}/study.html"),
        key=protected(f"{STUDY}/key.json"),
        protocol=protected(f"{STUDY}/protocol.md"),
    log:
        "results/logs/study.log",
    benchmark:
        "results/benchmarks/study.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(2000),
        runtime=again(30),
    params:
        code=code("study.py"),
        videos=lambda wildcards, output: " ".join(
            located([f"--videos {n}={path}" for n, path in study_folders()], output)
        ),
        clips=config["study"]["clips"],
        points=config["study"]["points"],
        seed=config["study"]["seed"],
        reference=study_reference(),
        questions=as_json(config["study"]["questions"]),
        consent=verbatim(shlex.quote(config["study"]["consent"])),
    shell:
        "python {input.script:q} {params.videos} --split {input.split} --clips {params.clips} "
        "--points {params.points} --seed {params.seed} --reference {params.reference} "
        "--questions {params.questions:q} --consent {params.consent} --page {output.page} "
        "--key {output.key} --protocol {output.protocol} --keys state/study > {log} 2>&1"


use rule report_table1 as report_study with:
    input:
        script=script("report_study.py"),
        scores=SCORES,
    output:
        "results/report/table2.csv",
        "results/report/table2.md",
        "results/report/table2.tex",
        report(
            STUDY_TABLE,
            caption="../report/captions.rst",
            category="Table 2",
        ),
        ratings=f"{STUDY}/ratings.csv",
        excluded=f"{STUDY}/excluded.csv",
    log:
        "results/logs/report_study.log",
    benchmark:
        "results/benchmarks/report_study.tsv"
    params:
        **report_flags(
            methods=METHODS_SHOWN,
            # Without a folder `files` says so.
            answers=lambda wildcards: config["study"]["answers"] or "",
            # No input: a change of the library must not make a new study, whose ids are others.
            key=f"{STUDY}/key.json",
            seed=str(config["seeds"][0]),
        ),
        code=code("report_study.py"),
        files=lambda wildcards: answer_files(),
