# evaluation: landmarks found again on the rendered frames, and the metrics of every test clip.


rule redetect_landmarks:
    input:
        script=script("redetect_landmarks.py"),
        library=library("redetect_landmarks.py"),
        shard=CLIPS,
    output:
        f"results/evaluation/{RUN}/landmarks.npz",
    log:
        "results/logs/redetect_landmarks/{method}-{reference}-seed{seed}.log",
    benchmark:
        "results/benchmarks/redetect_landmarks/{method}-{reference}-seed{seed}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    shell:
        "python {input.script:q} --shard {input.shard} --output {output} > {log} 2>&1"


rule fit_emotion_judges:
    input:
        script=script("fit_emotion_judges.py"),
        library=library("fit_emotion_judges.py"),
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
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--output {output} > {log} 2>&1"


rule evaluate_method:
    input:
        script=script("evaluate_method.py"),
        library=library("evaluate_method.py"),
        shard=CLIPS,
        landmarks=f"results/evaluation/{RUN}/landmarks.npz",
        true_shard=true_run(CLIPS),
        true_landmarks=true_run(f"results/evaluation/{RUN}/landmarks.npz"),
        judges="results/evaluation/emotion_judges.npz",
    output:
        clips=SCORES,
        row=ROW,
    log:
        "results/logs/evaluate_method/{method}-{reference}-seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_method/{method}-{reference}-seed{seed}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    shell:
        "python {input.script:q} --shard {input.shard} --landmarks {input.landmarks} "
        "--true-shard {input.true_shard} --true-landmarks {input.true_landmarks} "
        "--judges {input.judges} --method {wildcards.method} --reference {wildcards.reference} "
        "--seed {wildcards.seed} --clips {output.clips} --row {output.row} > {log} 2>&1"


# Only where evaluation.weights names any.
rule evaluate_networks:
    input:
        script=script("evaluate_networks.py"),
        library=library("evaluate_networks.py"),
        shard=CLIPS,
        true_shard=true_run(CLIPS),
        videos=VIDEOS,
        weights=[path for path in WEIGHTS.values() if path],
    output:
        NETWORK_SCORES,
    log:
        "results/logs/evaluate_networks/{method}-{reference}-seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_networks/{method}-{reference}-seed{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    params:
        weights=" ".join(
            f"--{name} {shlex.quote(path or 'none')}" for name, path in WEIGHTS.items()
        ),
    shell:
        "python {input.script:q} --shard {input.shard} --true-shard {input.true_shard} "
        "--videos {input.videos} {params.weights} --method {wildcards.method} "
        "--reference {wildcards.reference} --seed {wildcards.seed} --output {output} > {log} 2>&1"
