# methods: a landmark model and a translator together render the test clips.


rule synthesize:
    input:
        unpack(method_models),
        script=script("synthesize.py"),
        library=library("synthesize.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        clips="results/clips.csv",
        split="results/split.csv",
    output:
        shard="results/methods/{method}/seed{seed}/clips.h5",
        videos=directory("results/methods/{method}/seed{seed}/videos"),
    log:
        "results/logs/synthesize/{method}-seed{seed}.log",
    benchmark:
        "results/benchmarks/synthesize/{method}-seed{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    params:
        landmarks=method_flag("landmarks"),
        translator=method_flag("translator"),
    shell:
        "python {input.script} --features {input.features} --clips {input.clips} "
        "--split {input.split} --landmarks {params.landmarks} --translator {params.translator} "
        "--method {wildcards.method} --threads {threads} --shard {output.shard} "
        "--videos {output.videos} > {log} 2>&1"
