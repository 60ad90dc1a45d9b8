# data: where clips come from, and the list of clips of every shard.


rule make_mini:
    input:
        script=script("make_mini.py"),
    output:
        directory("results/data/mini/{speaker}"),
    log:
        "results/logs/make_mini/{speaker}.log",
    benchmark:
        "results/benchmarks/make_mini/{speaker}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 8
    resources:
        mem_mb=again(4000),
        runtime=again(60),
    params:
        code=code("make_mini.py"),
        emotions=config["data"]["emotions"],
        levels=config["data"]["levels"],
        sentences=config["data"]["mini"]["sentences"],
        frame_size=config["data"]["mini"]["frame_size"],
        seed=config["data"]["mini"]["seed"],
    shell:
        "python {input.script:q} --speaker {wildcards.speaker} --emotions {params.emotions} "
        "--levels {params.levels} --sentences {params.sentences} "
        "--frame-size {params.frame_size} --seed {params.seed} --workers {threads} "
        "--output {output} > {log} 2>&1"


rule fetch_archive:
    input:
        script=script("fetch_archive.py"),
        # A touched table is no reason to fetch again; a changed row is.
        table=ancient(verbatim(sent(config["data"]["archives"]["table"]))),
    output:
        "results/data/archives/{speaker}/{kind}.tar",
    log:
        "results/logs/fetch_archive/{speaker}-{kind}.log",
    benchmark:
        "results/benchmarks/fetch_archive/{speaker}-{kind}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(720),
        disk_mb=again(archive_megabytes),
        download=1,
    params:
        # Not the code: another one is no reason to fetch again.
        row=archive_row,
        downloads=verbatim(config["data"]["archives"]["downloads"]),
    shell:
        "python {input.script:q} --table {input.table:q} --speaker {wildcards.speaker} "
        "--kind {wildcards.kind} --downloads {params.downloads:q} --output {output} > {log} 2>&1"


rule unpack_archives:
    input:
        script=script("unpack_archives.py"),
        archives=speaker_archives,
    output:
        folder=directory("results/data/unpacked/{speaker}"),
        problems="results/data/unpacked/{speaker}-problems.csv",
    log:
        "results/logs/unpack_archives/{speaker}.log",
    benchmark:
        "results/benchmarks/unpack_archives/{speaker}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(unpacking_minutes),
        disk_mb=again(archive_megabytes),
    params:
        code=code("unpack_archives.py"),
        archives=archive_flags,
        view=config["data"]["view"],
        emotions=config["data"]["emotions"],
        levels=config["data"]["levels"],
    shell:
        "python {input.script:q} --speaker {wildcards.speaker} {params.archives} "
        "--view {params.view} --emotions {params.emotions} --levels {params.levels} "
        "--output {output.folder} --problems {output.problems} > {log} 2>&1"


if config["data"]["source"] == "footage":

    if STORAGE:

        localrules:
            list_footage,

    rule list_footage:
        input:
            script=script("list_footage.py"),
        output:
            "results/data/lists/{speaker}-{emotion}.csv",
        log:
            "results/logs/list_footage/{speaker}-{emotion}.log",
        benchmark:
            "results/benchmarks/list_footage/{speaker}-{emotion}.tsv"
        conda:
            "../envs/media.yaml"
        threads: 1
        resources:
            mem_mb=again(1000),
            runtime=again(10),
        params:
            code=code("list_footage.py"),
            named_by=footage_flag(),
            folder=verbatim(config["data"]["footage"]["folder"]),
            rows=footage_rows,
            at=footage_copies,
        shell:
            "python {input.script:q} {params.named_by} --folder {params.folder:q} {params.at} "
            "--speaker {wildcards.speaker} --emotion {wildcards.emotion} --output {output} "
            "> {log} 2>&1"

else:

    rule list_clips:
        input:
            script=script("list_clips.py"),
            made=made_folder,
        output:
            "results/data/lists/{speaker}-{emotion}.csv",
        log:
            "results/logs/list_clips/{speaker}-{emotion}.log",
        benchmark:
            "results/benchmarks/list_clips/{speaker}-{emotion}.tsv"
        conda:
            "../envs/media.yaml"
        threads: 1
        resources:
            mem_mb=again(1000),
            runtime=again(10),
        params:
            code=code("list_clips.py"),
            folder=lambda wildcards, input: input.made
            or speaker_folder(wildcards.speaker),
            state=folder_state,
            view=config["data"]["view"],
            levels=config["data"]["levels"],
        shell:
            "python {input.script:q} --folder {params.folder:q} --speaker {wildcards.speaker} "
            "--view {params.view} --emotion {wildcards.emotion} --levels {params.levels} "
            "--output {output} > {log} 2>&1"


# `snakemake --cores all list_all --forcerun list_clips` looks at every file again.
rule list_all:
    input:
        shard_paths("results/data/lists/{speaker}-{emotion}.csv"),


# A user's own files, which are brought to jobs on other machines: see storage.smk.
if STORAGE:

    localrules:
        bring_file,
        bring_folder,
        collect_notes,

    rule bring_file:
        input:
            lambda wildcards: local(OWN[wildcards.name]),
        output:
            "results/own/files/{name}",
        shell:
            "cp {input:q} {output:q}"

    rule bring_folder:
        output:
            directory("results/own/{name}"),
        wildcard_constraints:
            name="(clips|videos)/.+",
        params:
            folder=lambda wildcards: OWN[wildcards.name][0],
            files=lambda wildcards: OWN[wildcards.name][1],
            times=own_times,
        shell:
            "mkdir -p {output:q} && tar --create --dereference --directory {params.folder:q} "
            "{params.files:q} | tar --extract --directory {output:q}"

    if config["data"]["source"] in ("folder", "footage"):

        localrules:
            collect_clips,
