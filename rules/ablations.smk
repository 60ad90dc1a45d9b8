# ablations: each stage by itself, for what the paper leaves open. See config/ablations.yaml.


rule evaluate_stage:
    input:
        script=script("evaluate_stage.py"),
        model="results/{stage}/{name}/seed{seed}/model.pt",
        features=speaker_shards,
        split="results/split.csv",
    output:
        STAGE_SCORES,
    log:
        "results/logs/evaluate_stage/{stage}-{name}-seed{seed}-{speaker}.log",
    benchmark:
        "results/benchmarks/evaluate_stage/{stage}-{name}-seed{seed}-{speaker}.tsv"
    wildcard_constraints:
        stage="landmarks|translator",
        name="[a-z][a-z0-9_]*",
    conda:
        "../envs/train.yaml"
    threads: stage_cores
    resources:
        mem_mb=again(rendering_memory),
        runtime=again(stage_minutes),
        gpu=rendering_gpu(),
    params:
        code=stage_code("evaluate_stage.py"),
        references=references(),
        precision=config["rendering"]["precision"],
        runtime=untracked(lambda wildcards: as_json(config["rendering"])),
        state="state/evaluate_stage/{stage}-{name}-seed{seed}-{speaker}",
    shell:
        "python {input.script:q} --stage {wildcards.stage} --model {input.model} "
        "--features {input.features} --split {input.split} --speaker {wildcards.speaker} "
        "--references {params.references} --name {wildcards.name} --seed {wildcards.seed} "
        "--rendering {params.runtime:q} --threads {threads} --code {params.code} --state {params.state} "
        "--output {output} > {log} 2>&1"


# What a logistic regression hears in the same sound: the bar for MSEF's classifier.
rule evaluate_sound:
    input:
        script=script("evaluate_sound.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
    output:
        "results/ablations/sound.parquet",
    log:
        "results/logs/evaluate_sound.log",
    benchmark:
        "results/benchmarks/evaluate_sound.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(feature_memory),
        runtime=again(60),
    params:
        code=code("evaluate_sound.py"),
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--output {output} > {log} 2>&1"


use rule report_landmarks as report_ablations with:
    input:
        script=script("report_ablations.py"),
        scores=ablation_scores("landmarks") + ablation_scores("translator"),
        sound="results/ablations/sound.parquet",
    output:
        "results/report/ablations.csv",
        "results/report/ablations.md",
        report(
            "results/report/ablations.png",
            caption="../report/captions.rst",
            category="Ablations",
        ),
    log:
        "results/logs/report_ablations.log",
    benchmark:
        "results/benchmarks/report_ablations.tsv"
    params:
        **report_flags(models=config["ablations"]),
        code=code("report_ablations.py"),


rule ablations:
    input:
        rules.report_ablations.output,
