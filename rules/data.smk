# data: the embedded data set, and the list of clips of every shard.


rule make_mini:
    input:
        script=script("make_mini.py"),
        library=library("make_mini.py"),
    output:
        directory("results/data/mini/{speaker}"),
    log:
        "results/logs/make_mini/{speaker}.log",
    benchmark:
        "results/benchmarks/make_mini/{speaker}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 8
    params:
        emotions=config["data"]["emotions"],
        levels=config["data"]["levels"],
        sentences=config["data"]["mini"]["sentences"],
        frame_size=config["data"]["mini"]["frame_size"],
        seed=config["data"]["mini"]["seed"],
    shell:
        "python {input.script} --speaker {wildcards.speaker} --emotions {params.emotions} "
        "--levels {params.levels} --sentences {params.sentences} "
        "--frame-size {params.frame_size} --seed {params.seed} --workers {threads} "
        "--output {output} > {log} 2>&1"


rule list_clips:
    input:
        script=script("list_clips.py"),
        library=library("list_clips.py"),
        folder=lambda wildcards: speaker_folder(wildcards.speaker),
    output:
        "results/data/lists/{speaker}-{emotion}.csv",
    log:
        "results/logs/list_clips/{speaker}-{emotion}.log",
    benchmark:
        "results/benchmarks/list_clips/{speaker}-{emotion}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    params:
        view=config["data"]["view"],
        levels=config["data"]["levels"],
    shell:
        "python {input.script} --speaker-folder {input.folder} --view {params.view} "
        "--emotion {wildcards.emotion} --levels {params.levels} --output {output} > {log} 2>&1"
