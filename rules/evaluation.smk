# evaluation: landmarks found again on the rendered frames, and the metrics of every test clip.


rule fit_emotion_judges:
    input:
        script=script("fit_emotion_judges.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
    output:
        "results/evaluation/emotion_judges.npz",
    log:
        "results/logs/fit_emotion_judges.log",
    benchmark:
        "results/benchmarks/fit_emotion_judges.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(2000),
        runtime=again(judging_minutes),
    params:
        code=code("fit_emotion_judges.py"),
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--output {output} > {log} 2>&1"


rule score_clips:
    input:
        unpack(foreign_inputs),
        script=script("score_clips.py"),
        features=speaker_shards,
        split="results/split.csv",
        clips="results/clips.csv",
        made=ancient(made_folder),
        judges="results/evaluation/emotion_judges.npz",
        rendered=rendered_clips,
        true_landmarks=true_landmarks,
    output:
        scores=SPEAKER_SCORES,
        landmarks=LANDMARKS,
        videos=directory(VIDEOS),
        notes=SPEAKER_NOTES,
    log:
        "results/logs/score_clips/{method}-{reference}-seed{seed}-{speaker}.log",
    benchmark:
        "results/benchmarks/score_clips/{method}-{reference}-seed{seed}-{speaker}.tsv"
    # So that frames are scored, and removed, before more are rendered.
    priority: 1
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1.5 * Memory.score_clips),
        runtime=again(scoring_minutes),
    params:
        code=code("score_clips.py"),
        source=rendered_flags,
        made_of=made_of,
        true_landmarks=true_landmarks_flag,
        files=foreign_files,
        show="--show-all" if KEEP_FRAMES else "",
        study=lambda wildcards: study_flag(wildcards),
        state="state/score_clips/{method}-{reference}-seed{seed}-{speaker}",
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--speaker {wildcards.speaker} --clips {input.clips} {params.source} "
        "{params.true_landmarks} --judges {input.judges} --method {wildcards.method} "
        "--reference {wildcards.reference} --seed {wildcards.seed} {params.show} {params.study} "
        "--code {params.code} --state {params.state} --scores {output.scores} --landmarks {output.landmarks} "
        "--shown {output.videos} --notes {output.notes} > {log} 2>&1"


# Only where evaluation.weights names any.
rule score_networks:
    input:
        unpack(foreign_inputs),
        script=script("score_networks.py"),
        features=speaker_shards,
        split="results/split.csv",
        clips="results/clips.csv",
        made=ancient(made_folder),
        rendered=rendered_clips,
        weights=[own(path) for path in WEIGHTS.values() if path],
        # Where the rendered faces are, for those networks that see faces.
        landmarks=LANDMARKS if WEIGHTS["arcface"] or WEIGHTS["emotion_fan"] else [],
        true_landmarks=true_landmarks if WEIGHTS["arcface"] else [],
    output:
        # 34 MB a side.
        **({"sums": temp(FID_SUMS)} if FRECHET else {}),
        scores=SPEAKER_NETWORK_SCORES,
    log:
        "results/logs/score_networks/{method}-{reference}-seed{seed}-{speaker}.log",
    benchmark:
        "results/benchmarks/score_networks/{method}-{reference}-seed{seed}-{speaker}.tsv"
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: network_cores
    resources:
        mem_mb=again(1.5 * Memory.score_networks),
        runtime=again(network_minutes),
        gpu=rendering_gpu(),
    params:
        code=code("score_networks.py"),
        source=rendered_flags,
        made_of=made_of,
        files=foreign_files,
        precision=config["rendering"]["precision"],
        runtime=untracked(lambda wildcards: as_json(config["rendering"])),
        weights=lambda wildcards, input: " ".join(
            f"--weights {name}={shlex.quote(path)}"
            for name, path in zip(filter(WEIGHTS.get, WEIGHTS), input.weights)
        ),
        landmarks=lambda wildcards, input: (
            f"--landmarks {input.landmarks}" if input.landmarks else ""
        ),
        true_landmarks=true_landmarks_flag,
        sums=lambda wildcards, output: f"--sums {output.sums}" if FRECHET else "",
        state="state/score_networks/{method}-{reference}-seed{seed}-{speaker}",
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--speaker {wildcards.speaker} --clips {input.clips} {params.source} {params.weights} "
        "{params.landmarks} {params.true_landmarks} --method {wildcards.method} "
        "--reference {wildcards.reference} --seed {wildcards.seed} "
        "--rendering {params.runtime:q} --threads {threads} --code {params.code} --state {params.state} "
        "--scores {output.scores} {params.sums} > {log} 2>&1"


rule score_fid:
    input:
        script=script("score_fid.py"),
        sums=lambda wildcards: expand(FID_SUMS, speaker=speakers(), **wildcards),
    output:
        FID_SCORES,
    log:
        "results/logs/score_fid/{method}-{reference}-seed{seed}.log",
    benchmark:
        "results/benchmarks/score_fid/{method}-{reference}-seed{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=again(2000),
        runtime=again(20),
    params:
        code=code("score_fid.py"),
    shell:
        "python {input.script:q} --sums {input.sums} --method {wildcards.method} "
        "--reference {wildcards.reference} --seed {wildcards.seed} --scores {output} "
        "> {log} 2>&1"


# The row of one run, for a method that is a target.
rule summarize_run:
    input:
        script=script("summarize_run.py"),
        scores=lambda wildcards: expand(SPEAKER_SCORES, speaker=speakers(), **wildcards),
        notes=lambda wildcards: notes_of([wildcards.method]),
    output:
        ROW,
    log:
        "results/logs/summarize_run/{method}-{reference}-seed{seed}.log",
    benchmark:
        "results/benchmarks/summarize_run/{method}-{reference}-seed{seed}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(10),
    params:
        code=code("summarize_run.py"),
    shell:
        "python {input.script:q} --scores {input.scores} --row {output} > {log} 2>&1"


rule collect_scores:
    input:
        script=script("collect_scores.py"),
        scores=run_scores(METHODS),
        notes=notes_of(METHODS),
    output:
        SCORES,
    log:
        "results/logs/collect_scores.log",
    benchmark:
        "results/benchmarks/collect_scores.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(report_memory),
        runtime=again(report_minutes),
    params:
        code=code("collect_scores.py"),
        # The paths of all files would be too long for a command.
        runs=lambda wildcards, output: located(
            [f"results/evaluation/{run}" for run in method_runs()], output
        ),
        speakers=speakers(),
        names=["scores.parquet"] + ["networks.parquet"] * any(WEIGHTS.values()),
        of_runs=["fid.parquet"] if FRECHET else [],
    shell:
        "python {input.script:q} --runs {params.runs} --speakers {params.speakers} "
        "--names {params.names} --of-runs {params.of_runs} --output {output} > {log} 2>&1"
