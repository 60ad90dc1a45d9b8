# methods: a landmark model and a translator together render the test clips; or somebody else did.
INPUTS = "results/inputs/{speaker}"


rule render_clips:
    input:
        unpack(method_models),
        script=script("render_clips.py"),
        features=speaker_shards,
        split="results/split.csv",
    output:
        # Each is read once or twice, and as large as a film that nothing has compressed.
        directory(FRAMES) if KEEP_FRAMES else temp(directory(FRAMES)),
    log:
        "results/logs/render_clips/{method}-{reference}-seed{seed}-{speaker}.log",
    benchmark:
        "results/benchmarks/render_clips/{method}-{reference}-seed{seed}-{speaker}.tsv"
    wildcard_constraints:
        method="|".join(filter(needs_models, METHODS)) or "none",
    conda:
        "../envs/train.yaml"
    threads: rendering_cores
    resources:
        mem_mb=again(rendering_memory),
        runtime=again(rendering_minutes),
        disk_mb=again(rendered_megabytes),
        gpu=rendering_gpu(),
    params:
        code=method_code("render_clips.py"),
        landmarks=method_flag("landmarks"),
        translator=method_flag("translator"),
        others=lambda wildcards, input: " ".join(
            f"--{kind} {shlex.quote(input[kind])}"
            for kind in ("bundle", "field", "sound")
            if kind in input.keys()
        ),
        made_of=made_of,
        pose=lambda wildcards: pose_of(wildcards.method),
        precision=config["rendering"]["precision"],
        runtime=untracked(lambda wildcards: as_json(config["rendering"])),
        given=given_more,
        keep="--keep" if KEEP_FRAMES else "",
        state="state/render_clips/{method}-{reference}-seed{seed}-{speaker}",
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--speaker {wildcards.speaker} --landmarks {params.landmarks} "
        "--translator {params.translator} {params.others} --pose {params.pose} {params.given} --method {wildcards.method} "
        "--reference {wildcards.reference} --rendering {params.runtime:q} "
        "--threads {threads} {params.keep} --code {params.code} --state {params.state} --folder {output} > {log} 2>&1"


# Notes on the videos of somebody else's method.
rule collect_notes:
    input:
        script=script("collect_notes.py"),
        notes=lambda wildcards: expand(SPEAKER_NOTES, speaker=speakers(), **wildcards),
    output:
        NOTES,
    log:
        "results/logs/collect_notes/{method}-{reference}-seed{seed}.log",
    benchmark:
        "results/benchmarks/collect_notes/{method}-{reference}-seed{seed}.tsv"
    wildcard_constraints:
        method="|".join(filter(is_foreign, METHODS)) or "none",
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(10),
    params:
        code=code("collect_notes.py"),
        videos=foreign_flags,
    shell:
        "python {input.script:q} --notes {input.notes} {params.videos} "
        "--output {output} > {log} 2>&1"


# Inputs for other people's systems; not a part of `all`.
rule write_inputs:
    input:
        script=script("write_inputs.py"),
        features=speaker_shards,
        split="results/split.csv",
        clips="results/clips.csv",
        made=ancient(made_folder),
    output:
        directory(INPUTS),
    log:
        "results/logs/write_inputs/{speaker}.log",
    benchmark:
        "results/benchmarks/write_inputs/{speaker}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(2000),
        runtime=again(input_minutes),
    params:
        code=code("write_inputs.py"),
        references=references(),
        framings=config["inputs"]["framings"],
        sizes=config["inputs"]["sizes"],
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--clips {input.clips} --speaker {wildcards.speaker} --references {params.references} "
        "--framings {params.framings} --sizes {params.sizes} --folder {output} > {log} 2>&1"


# `snakemake --cores all export_inputs`
rule export_inputs:
    input:
        script=script("export_inputs.py"),
        folders=expand(INPUTS, speaker=speakers()),
    output:
        "results/inputs/inputs.csv",
    log:
        "results/logs/export_inputs.log",
    benchmark:
        "results/benchmarks/export_inputs.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(10),
    params:
        code=code("export_inputs.py"),
    shell:
        "python {input.script:q} --folders {input.folders} --output {output} > {log} 2>&1"
