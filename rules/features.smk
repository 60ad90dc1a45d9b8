# features: crops, landmarks and MFCC windows of every shard; the clip table.


rule extract_features:
    input:
        script=script("extract_features.py"),
        clips="results/data/lists/{speaker}-{emotion}.csv",
        made=ancient(made_folder),
    output:
        shard="results/features/{speaker}-{emotion}.h5",
        table="results/features/{speaker}-{emotion}.csv",
    log:
        "results/logs/extract_features/{speaker}-{emotion}.log",
    benchmark:
        "results/benchmarks/extract_features/{speaker}-{emotion}.tsv"
    conda:
        "../envs/media.yaml"
    threads: extraction_cores
    resources:
        mem_mb=again(extraction_memory),
        runtime=again(extraction_minutes),
        disk_mb=again(shard_megabytes),
    params:
        code=code("extract_features.py"),
        options=as_json(config["features"]),
        # Not an output: Snakemake deletes those of a job that was killed.
        state="state/features/{speaker}-{emotion}",
    shell:
        "python {input.script:q} --clips {input.clips} --options {params.options:q} "
        "--workers {threads} --state {params.state} --shard {output.shard} --table {output.table} > {log} 2>&1"


rule collect_clips:
    input:
        script=script("collect_clips.py"),
        lists=shard_paths("results/data/lists/{speaker}-{emotion}.csv"),
        tables=shard_paths("results/features/{speaker}-{emotion}.csv"),
        problems=archive_problems(),
    output:
        clips="results/clips.csv",
        rejected="results/rejected.csv",
    log:
        "results/logs/collect_clips.log",
    benchmark:
        "results/benchmarks/collect_clips.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(20),
    params:
        code=code("collect_clips.py"),
        max_rejected=config["data"]["max_rejected"],
        # One by one: an argument can't be longer than 128 KiB.
        left_out=lambda wildcards: [text for pair in left_out() for text in pair],
    shell:
        "python {input.script:q} --lists {input.lists} --tables {input.tables} "
        "--problems {input.problems} --left-out {params.left_out:q} --max-rejected {params.max_rejected} --clips {output.clips} "
        "--rejected {output.rejected} > {log} 2>&1"
