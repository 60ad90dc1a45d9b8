# report: the data, the tables, the figures and the page.
# The figures of every reference face.
FIGURES = {
    f"{reference}/{name}": f"results/report/{reference}/{name}.png"
    for reference in references()
    for name in ("landmarks", "frames", "emotions")
}
# What the PCA basis of every landmark model leaves, first seed.
BASES = {
    name: f"results/landmarks/{name}/seed{config['seeds'][0]}/basis.csv"
    for name in used_models("landmarks")
}


rule report_crops:
    input:
        script=script("report_crops.py"),
        clips="results/clips.csv",
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
    output:
        report(
            "results/report/crops.png",
            caption="../report/crops.rst",
            category="Data",
        ),
    log:
        "results/logs/report_crops.log",
    benchmark:
        "results/benchmarks/report_crops.tsv"
    # Before the trainings: bad data should be seen early.
    priority: 2
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(2000),
        runtime=again(30),
    params:
        code=code("report_crops.py"),
        emotions=sorted({e for _, e in shards()}),
    shell:
        "python {input.script:q} --clips {input.clips} --features {input.features} "
        "--emotions {params.emotions} --output {output} > {log} 2>&1"


rule report_data:
    input:
        script=script("report_data.py"),
        clips="results/clips.csv",
        rejected="results/rejected.csv",
        split="results/split.csv",
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        crops="results/report/crops.png",
        pairs=PAIRS if used_models("disentangler") else [],
    output:
        report(
            "results/report/data.html",
            caption="../report/data.rst",
            category="Data",
        ),
    log:
        "results/logs/report_data.log",
    benchmark:
        "results/benchmarks/report_data.tsv"
    # Before the trainings: bad data should be seen early.
    priority: 2
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(2000),
        runtime=again(30),
    params:
        code=code("report_data.py"),
        speakers=speakers(),
        emotions=sorted({e for _, e in shards()}),
        pairs=lambda wildcards, input: f"--pairs {input.pairs}" if input.pairs else "",
    shell:
        "python {input.script:q} --clips {input.clips} --rejected {input.rejected} "
        "--split {input.split} --features {input.features} --crops-figure {input.crops} "
        "--speakers {params.speakers} --emotions {params.emotions} {params.pairs} --output {output} "
        "> {log} 2>&1"


rule report_table1:
    input:
        script=script("report_table1.py"),
        scores=SCORES,
        notes=notes_of(METHODS),
        gates=[file for name in METHODS for file in method_gates(name)],
    output:
        csv="results/report/table1.csv",
        md="results/report/table1.md",
        tex="results/report/table1.tex",
        html=report(
            "results/report/table1.html",
            caption="../report/table1.rst",
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
        code=code("report_table1.py"),
        labels=label_flags(),
        given=given_flags(),
        gates=gate_flags(),
        note=note_flags(),
        row_notes=row_note_flags(),
    shell:
        "python {input.script:q} --scores {input.scores} {params.labels} {params.given} {params.gates} "
        "{params.note} {params.row_notes} --csv {output.csv} --md {output.md} --tex {output.tex} --html {output.html} "
        "> {log} 2>&1"


rule report_claims:
    input:
        script=script("report_claims.py"),
        scores=SCORES,
    output:
        csv="results/report/claims.csv",
        md="results/report/claims.md",
        html=report(
            "results/report/claims.html",
            caption="../report/claims.rst",
            category="Claims",
        ),
    log:
        "results/logs/report_claims.log",
    benchmark:
        "results/benchmarks/report_claims.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(report_memory),
        runtime=again(report_minutes),
    params:
        code=code("report_claims.py"),
        labels=label_flags(),
        given=given_flags(),
    shell:
        "python {input.script:q} --scores {input.scores} {params.labels} {params.given} --csv {output.csv} "
        "--md {output.md} --html {output.html} > {log} 2>&1"


rule report_published:
    input:
        script=script("report_published.py"),
        scores=SCORES,
    output:
        md="results/report/published.md",
        html=report(
            "results/report/published.html",
            caption="../report/published.rst",
            category="Table 1",
        ),
    log:
        "results/logs/report_published.log",
    benchmark:
        "results/benchmarks/report_published.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(report_memory),
        runtime=again(report_minutes),
    params:
        code=code("report_published.py"),
        labels=label_flags(),
    shell:
        "python {input.script:q} --scores {input.scores} {params.labels} --md {output.md} "
        "--html {output.html} > {log} 2>&1"


rule report_emotions:
    input:
        script=script("report_emotions.py"),
        scores=SCORES,
    output:
        figure=report(
            "results/report/{reference}/emotions.png",
            caption="../report/emotions.rst",
            category="Figures",
            labels={"figure": "emotions", "reference face": "{reference}"},
        ),
        csv="results/report/{reference}/emotions.csv",
    log:
        "results/logs/report_emotions/{reference}.log",
    benchmark:
        "results/benchmarks/report_emotions/{reference}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(report_memory),
        runtime=again(report_minutes),
    params:
        code=code("report_emotions.py"),
        labels=label_flags(),
    shell:
        "python {input.script:q} --scores {input.scores} {params.labels} "
        "--reference {wildcards.reference} --output {output.figure} --csv {output.csv} "
        "> {log} 2>&1"


# An estimate, before anything is extracted or trained; with more certainty afterwards.
rule report_cost:
    input:
        script=script("report_cost.py"),
    output:
        "results/report/cost.md",
    log:
        "results/logs/report_cost.log",
    benchmark:
        "results/benchmarks/report_cost.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=again(4000),
        runtime=again(30),
        gpu=gpus("translator") if config["report"]["cost"]["measure"] else 0,
    params:
        code=code("report_cost.py"),
        landmarks=used_options("landmarks"),
        translator=used_options("translator"),
        crop_size=config["features"]["crop_size"],
        seeds=len(config["seeds"]),
        clips=expected_clips(),
        test_fraction=config["split"]["test_fraction"],
        mini="--mini" if config["data"]["source"] == "mini" else "",
        split="--split results/split.csv" if split_made() else "",
        split_made=split_made(),
        rates=config["report"]["cost"]["rates"],
        measure="--measure" if config["report"]["cost"]["measure"] else "",
    shell:
        "python {input.script:q} --landmarks {params.landmarks:q} "
        "--translator {params.translator:q} --crop-size {params.crop_size} "
        "--seeds {params.seeds} {params.split} --expected-clips {params.clips} "
        "--test-fraction {params.test_fraction} {params.mini} --rates {params.rates} "
        "{params.measure} --output {output} 2>&1 | tee {log}"


rule report_landmarks:
    input:
        script=script("report_landmarks.py"),
        clips=shown_clips,
        split="results/split.csv",
    output:
        report(
            "results/report/{reference}/landmarks.png",
            caption="../report/landmarks.rst",
            category="Figures",
            labels={"figure": "landmarks", "reference face": "{reference}"},
        ),
        "results/report/{reference}/landmarks.pdf",
    log:
        "results/logs/report_landmarks/{reference}.log",
    benchmark:
        "results/benchmarks/report_landmarks/{reference}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(2000),
        runtime=again(20),
    params:
        code=code("report_landmarks.py"),
        methods=shown_flags,
        emotions=config["report"]["emotions"],
    shell:
        "python {input.script:q} {params.methods} --split {input.split} --emotions {params.emotions} --output {output} "
        "> {log} 2>&1"


rule report_frames:
    input:
        script=script("report_frames.py"),
        clips=shown_clips,
        split="results/split.csv",
    output:
        report(
            "results/report/{reference}/frames.png",
            caption="../report/frames.rst",
            category="Figures",
            labels={"figure": "frames", "reference face": "{reference}"},
        ),
    log:
        "results/logs/report_frames/{reference}.log",
    benchmark:
        "results/benchmarks/report_frames/{reference}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(2000),
        runtime=again(20),
    params:
        code=code("report_frames.py"),
        methods=shown_flags,
        emotions=config["report"]["emotions"],
    shell:
        "python {input.script:q} {params.methods} --split {input.split} --emotions {params.emotions} --output {output} "
        "> {log} 2>&1"


rule report_training:
    input:
        script=script("report_training.py"),
        histories=trainings("results/{stage}/{model}/seed{seed}/history.csv"),
    output:
        report(
            "results/report/training.png",
            caption="../report/training.rst",
            category="Figures",
        ),
    log:
        "results/logs/report_training.log",
    benchmark:
        "results/benchmarks/report_training.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(20),
    params:
        code=code("report_training.py"),
        histories=" ".join(
            trainings(
                "--history {model}=results/{stage}/{model}/seed{seed}/history.csv"
            )
        ),
    shell:
        "python {input.script:q} {params.histories} --output {output} > {log} 2>&1"


rule report_page:
    input:
        script=script("report_page.py"),
        claims="results/report/claims.csv",
        table1="results/report/table1.html",
        published="results/report/published.html",
        scores=SCORES,
        landmarks=runs_of(METHODS, LANDMARKS, config["seeds"][:1]),
        videos=runs_of(METHODS, VIDEOS, config["seeds"][:1]),
        figures=FIGURES.values(),
        training="results/report/training.png",
        study=STUDY_TABLE if config["study"]["answers"] else [],
        provenance=trainings("results/{stage}/{model}/seed{seed}/provenance.json"),
        bases=list(BASES.values()),
        clips="results/clips.csv",
        split="results/split.csv",
        rejected="results/rejected.csv",
    output:
        report(
            "results/report/index.html",
            caption="../report/page.rst",
            category="The page",
        ),
    log:
        "results/logs/report_page.log",
    benchmark:
        "results/benchmarks/report_page.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=again(report_memory),
        runtime=again(report_minutes),
    params:
        code=code("report_page.py"),
        labels=label_flags(),
        runs=run_flags(),
        figures=" ".join(f"--figure {name}={path}" for name, path in FIGURES.items()),
        data_page=rules.report_data.output[0],
        study=f"--study {STUDY_TABLE}" if config["study"]["answers"] else "",
        provenance=" ".join(
            trainings(
                "--provenance {stage}/{model}/seed{seed}="
                "results/{stage}/{model}/seed{seed}/provenance.json"
            )
        ),
        bases=" ".join(f"--basis {name}={path}" for name, path in BASES.items()),
        note=note_flags(),
        missing=networks_missing(),
        config=as_json(emohead.config.without_runtime(config)),
    shell:
        "python {input.script:q} --claims {input.claims} --table1 {input.table1} "
        "--published {input.published} --scores {input.scores} {params.labels} {params.runs} "
        "{params.figures} {params.study} --training-figure {input.training} "
        "--clips {input.clips} --split {input.split} --rejected {input.rejected} "
        "--data-page {params.data_page} {params.provenance} {params.bases} "
        "--benchmarks results/benchmarks --config {params.config:q} {params.note} {params.missing} --output {output} > {log} 2>&1"
