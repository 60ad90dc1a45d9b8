# report: the data, the tables, the figures and the page.
#
# What all of these rules have in common stands in the first one. A script of the report has a flag
# for each named input of its rule, for what `report_flags` is given, and --output for the outputs,
# which it tells apart by their suffixes.
METHODS_SHOWN = report_methods()
# The figures of every reference face.
FIGURES = {
    reference: {
        name: f"results/report/{reference}/{name}.png"
        for name in ("landmarks", "frames", "emotions")
    }
    for reference in references()
}
# What the PCA basis of every landmark model leaves, first seed.
BASES = {
    name: f"results/landmarks/{name}/seed{config['seeds'][0]}/basis.csv"
    for name in used_models("landmarks")
}
MADE_BY = "results/{stage}/{model}/seed{seed}/provenance.json"


rule report_table1:
    input:
        notes_of(METHODS),
        [file for name in METHODS for file in method_gates(name)],
        script=script("report_table1.py"),
        scores=SCORES,
    output:
        "results/report/table1.csv",
        "results/report/table1.md",
        "results/report/table1.tex",
        report(
            "results/report/table1.html",
            caption="../report/captions.rst",
            category="Table 1",
        ),
    log:
        "results/logs/report_table1.log",
    benchmark:
        "results/benchmarks/report_table1.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(report_memory),
        runtime=again(report_minutes),
    params:
        **report_flags(methods=METHODS_SHOWN, notes=report_notes()),
        code=code("report_table1.py"),
    shell:
        "python {input.script:q} {params.flags} > {log} 2>&1"


use rule report_table1 as report_claims with:
    input:
        script=script("report_claims.py"),
        scores=SCORES,
    output:
        "results/report/claims.csv",
        "results/report/claims.md",
        report(
            "results/report/claims.html",
            caption="../report/captions.rst",
            category="Claims",
        ),
    log:
        "results/logs/report_claims.log",
    benchmark:
        "results/benchmarks/report_claims.tsv"
    params:
        **report_flags(methods=METHODS_SHOWN),
        code=code("report_claims.py"),


use rule report_table1 as report_published with:
    input:
        script=script("report_published.py"),
        scores=SCORES,
    output:
        "results/report/published.md",
        report(
            "results/report/published.html",
            caption="../report/captions.rst",
            category="Table 1",
        ),
    log:
        "results/logs/report_published.log",
    benchmark:
        "results/benchmarks/report_published.tsv"
    params:
        **report_flags(methods=METHODS_SHOWN),
        code=code("report_published.py"),


use rule report_table1 as report_emotions with:
    input:
        script=script("report_emotions.py"),
        scores=SCORES,
    output:
        report(
            "results/report/{reference}/emotions.png",
            caption="../report/captions.rst",
            category="Figures",
            labels={"figure": "emotions", "reference face": "{reference}"},
        ),
        "results/report/{reference}/emotions.csv",
    log:
        "results/logs/report_emotions/{reference}.log",
    benchmark:
        "results/benchmarks/report_emotions/{reference}.tsv"
    params:
        **report_flags(
            methods=METHODS_SHOWN, reference=lambda wildcards: wildcards.reference
        ),
        code=code("report_emotions.py"),


use rule report_table1 as report_landmarks with:
    input:
        shown_clips,
        script=script("report_landmarks.py"),
        split="results/split.csv",
    output:
        report(
            "results/report/{reference}/landmarks.png",
            caption="../report/captions.rst",
            category="Figures",
            labels={"figure": "landmarks", "reference face": "{reference}"},
        ),
        "results/report/{reference}/landmarks.pdf",
    log:
        "results/logs/report_landmarks/{reference}.log",
    benchmark:
        "results/benchmarks/report_landmarks/{reference}.tsv"
    resources:
        mem_mb=again(2000),
        runtime=again(20),
    params:
        **report_flags(
            methods=METHODS_SHOWN,
            reference=lambda wildcards: wildcards.reference,
            emotions=config["report"]["emotions"],
        ),
        code=code("report_landmarks.py"),


use rule report_landmarks as report_frames with:
    input:
        shown_clips,
        script=script("report_frames.py"),
        split="results/split.csv",
    output:
        report(
            "results/report/{reference}/frames.png",
            caption="../report/captions.rst",
            category="Figures",
            labels={"figure": "frames", "reference face": "{reference}"},
        ),
    log:
        "results/logs/report_frames/{reference}.log",
    benchmark:
        "results/benchmarks/report_frames/{reference}.tsv"
    params:
        **report_flags(
            methods=METHODS_SHOWN,
            reference=lambda wildcards: wildcards.reference,
            emotions=config["report"]["emotions"],
        ),
        code=code("report_frames.py"),


use rule report_landmarks as report_training with:
    input:
        trainings("results/{stage}/{model}/seed{seed}/history.csv"),
        script=script("report_training.py"),
    output:
        report(
            "results/report/training.png",
            caption="../report/captions.rst",
            category="Figures",
        ),
    log:
        "results/logs/report_training.log",
    benchmark:
        "results/benchmarks/report_training.tsv"
    params:
        **report_flags(
            histories=trainings(
                "{stage}/{model}=results/{stage}/{model}/seed{seed}/history.csv"
            )
        ),
        code=code("report_training.py"),


# Before the trainings, as the next one: bad data should be seen early.
use rule report_landmarks as report_crops with:
    input:
        script=script("report_crops.py"),
        clips="results/clips.csv",
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
    output:
        report(
            "results/report/crops.png",
            caption="../report/captions.rst",
            category="Data",
        ),
    log:
        "results/logs/report_crops.log",
    benchmark:
        "results/benchmarks/report_crops.tsv"
    priority: 2
    params:
        **report_flags(emotions=sorted({e for _, e in shards()})),
        code=code("report_crops.py"),


use rule report_crops as report_data with:
    input:
        script=script("report_data.py"),
        clips="results/clips.csv",
        rejected="results/rejected.csv",
        split="results/split.csv",
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        crops_figure="results/report/crops.png",
        pairs=PAIRS if used_models("disentangler") else [],
    output:
        report(
            "results/report/data.html",
            caption="../report/captions.rst",
            category="Data",
        ),
    log:
        "results/logs/report_data.log",
    benchmark:
        "results/benchmarks/report_data.tsv"
    params:
        **report_flags(speakers=speakers(), emotions=sorted({e for _, e in shards()})),
        code=code("report_data.py"),


use rule report_table1 as report_page with:
    input:
        runs_of(METHODS, LANDMARKS, config["seeds"][:1]),
        runs_of(METHODS, VIDEOS, config["seeds"][:1]),
        [path for figures in FIGURES.values() for path in figures.values()],
        trainings(MADE_BY),
        list(BASES.values()),
        script=script("report_page.py"),
        claims="results/report/claims.html",
        table1="results/report/table1.html",
        published="results/report/published.html",
        scores=SCORES,
        training_figure="results/report/training.png",
        study=STUDY_TABLE if config["study"]["answers"] else [],
        clips="results/clips.csv",
        split="results/split.csv",
    output:
        report(
            "results/report/index.html",
            caption="../report/captions.rst",
            category="The page",
        ),
    log:
        "results/logs/report_page.log",
    benchmark:
        "results/benchmarks/report_page.tsv"
    params:
        **report_flags(
            methods=METHODS_SHOWN,
            figures=FIGURES,
            bases=BASES,
            provenance=trainings(f"{{stage}}/{{model}}/seed{{seed}}={MADE_BY}"),
            data_page=rules.report_data.output[0],
            benchmarks="results/benchmarks",
            notes=report_notes(),
            missing=list(not_computed(**WEIGHTS).values()),
            config=json.dumps(emohead.config.without_runtime(config), sort_keys=True),
        ),
        code=code("report_page.py"),
