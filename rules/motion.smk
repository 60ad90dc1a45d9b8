# motion: two frames of a clip -> a field that moves one to the other.


rule train_motion_field:
    input:
        script=script("train_motion_field.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
        vgg_weights=vgg_weights("motion_field"),
    output:
        model="results/motion_field/{motion_field}/seed{seed}/model.pt",
        history="results/motion_field/{motion_field}/seed{seed}/history.csv",
        provenance="results/motion_field/{motion_field}/seed{seed}/provenance.json",
    log:
        "results/logs/train_motion_field/{motion_field}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_motion_field/{motion_field}-seed{seed}.tsv"
    # What is to hear the sound waits for it.
    priority: 2
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: train_threads("motion_field", wildcards.motion_field)
    resources:
        **training_resources("motion_field"),
    params:
        **training_params("motion_field"),
        code=code("train_motion_field.py"),
    shell:
        training_command()


# Whether it has converged, on the clips that were held out: what Table 1 says of it.
rule try_motion_field:
    input:
        script=script("try_motion_field.py"),
        field="results/motion_field/{motion_field}/seed{seed}/model.pt",
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
    output:
        "results/motion_field/{motion_field}/seed{seed}/gates.csv",
    log:
        "results/logs/try_motion_field/{motion_field}-seed{seed}.log",
    benchmark:
        "results/benchmarks/try_motion_field/{motion_field}-seed{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=again(rendering_memory),
        runtime=again(trying_minutes),
        gpu=rendering_gpu(),
    params:
        code=code("try_motion_field.py"),
        validation=lambda w: recipe("motion_field", w.motion_field)["train"][
            "validation"
        ],
        runtime=untracked(lambda wildcards: as_json(config["rendering"])),
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--field {input.field} --validation {params.validation} --seed {wildcards.seed} "
        "--rendering {params.runtime:q} --threads {threads} --output {output} > {log} 2>&1"


# What Audio2Head hears, for models with sound: mfcc_fbank_f0; what reads it finds it beside the features.
rule extract_sound:
    input:
        script=script("extract_sound.py"),
        features="results/features/{speaker}-{emotion}.h5",
        clips="results/clips.csv",
        made=ancient(made_folder),
    output:
        "results/sound/{speaker}-{emotion}.h5",
    log:
        "results/logs/extract_sound/{speaker}-{emotion}.log",
    benchmark:
        "results/benchmarks/extract_sound/{speaker}-{emotion}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(1500),
        runtime=again(sound_minutes),
    params:
        code=code("extract_sound.py"),
    shell:
        "python {input.script:q} --features {input.features} --clips {input.clips} "
        "--output {output} > {log} 2>&1"


rule train_motion_audio:
    input:
        script=script("train_motion_audio.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        heard=lambda w: sound_shards(w.motion_audio),
        split="results/split.csv",
        field=lambda w: (
            f"results/motion_field/{field_of(w.motion_audio)}/seed{w.seed}/model.pt"
        ),
    output:
        model="results/motion_audio/{motion_audio}/seed{seed}/model.pt",
        history="results/motion_audio/{motion_audio}/seed{seed}/history.csv",
        provenance="results/motion_audio/{motion_audio}/seed{seed}/provenance.json",
    log:
        "results/logs/train_motion_audio/{motion_audio}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_motion_audio/{motion_audio}-seed{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: train_threads("motion_audio", wildcards.motion_audio)
    resources:
        **training_resources("motion_audio"),
    params:
        **training_params("motion_audio"),
        code=code("train_motion_audio.py"),
    shell:
        training_command("--field {input.field} --heard {input.heard}")
