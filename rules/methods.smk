# methods: a landmark model and a translator together render the test clips; or somebody else did.


rule synthesize:
    input:
        unpack(method_models),
        script=script("synthesize.py"),
        library=library("synthesize.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        clips="results/clips.csv",
        split="results/split.csv",
    output:
        shard=CLIPS,
        videos=directory(VIDEOS),
    log:
        "results/logs/synthesize/{method}-{reference}-seed{seed}.log",
    benchmark:
        "results/benchmarks/synthesize/{method}-{reference}-seed{seed}.tsv"
    wildcard_constraints:
        method="|".join(name for name in METHODS if not is_foreign(name)),
    conda:
        "../envs/train.yaml"
    threads: 1
    params:
        landmarks=method_flag("landmarks"),
        translator=method_flag("translator"),
    shell:
        "python {input.script:q} --features {input.features} --clips {input.clips} "
        "--split {input.split} --landmarks {params.landmarks} --translator {params.translator} "
        "--method {wildcards.method} --reference {wildcards.reference} --threads {threads} "
        "--shard {output.shard} --videos {output.videos} > {log} 2>&1"


rule import_videos:
    input:
        script=script("import_videos.py"),
        library=library("import_videos.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        clips="results/clips.csv",
        split="results/split.csv",
    output:
        shard=CLIPS,
        videos=directory(VIDEOS),
        notes=f"results/methods/{RUN}/notes.csv",
    log:
        "results/logs/import_videos/{method}-{reference}-seed{seed}.log",
    benchmark:
        "results/benchmarks/import_videos/{method}-{reference}-seed{seed}.tsv"
    wildcard_constraints:
        method="|".join(name for name in METHODS if is_foreign(name)) or "none",
    conda:
        "../envs/media.yaml"
    threads: 1
    params:
        folder=lambda wildcards: METHODS[wildcards.method]["videos"],
        files=lambda wildcards: folder_files(METHODS[wildcards.method]["videos"]),
    shell:
        "python {input.script:q} --videos {params.folder:q} --features {input.features} "
        "--clips {input.clips} --split {input.split} --method {wildcards.method} "
        "--reference {wildcards.reference} --shard {output.shard} "
        "--output-videos {output.videos} --notes {output.notes} > {log} 2>&1"
