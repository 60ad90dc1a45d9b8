# split: which clips are trained on and which are tested.


rule split_clips:
    input:
        script=script("split_clips.py"),
        clips="results/clips.csv",
        test_list=own(config["split"]["list"]) if config["split"]["list"] else [],
    output:
        "results/split.csv",
    log:
        "results/logs/split_clips.log",
    benchmark:
        "results/benchmarks/split_clips.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(20),
    params:
        code=code("split_clips.py"),
        unit=config["split"]["unit"],
        gap=config["split"]["gap"],
        choice=config["split"]["choice"],
        test_fraction=config["split"]["test_fraction"],
        dev_fraction=config["split"]["dev_fraction"],
        scored=config["split"]["scored"],
        seed=config["split"]["seed"],
        test_speakers=config["split"]["test_speakers"] or [],
        test_list=lambda wildcards, input: (
            f"--list {shlex.quote(input.test_list)}" if input.test_list else ""
        ),
    shell:
        "python {input.script:q} --clips {input.clips} --unit {params.unit} "
        "--gap {params.gap} --choice {params.choice} "
        "--test-fraction {params.test_fraction} --dev-fraction {params.dev_fraction} "
        "--scored {params.scored} --seed {params.seed} {params.test_list} "
        "--test-speakers {params.test_speakers} --output {output} "
        "> {log} 2>&1"
