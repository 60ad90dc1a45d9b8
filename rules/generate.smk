# generate: a sound and a picture of a face to a talking head, with a trained method.
GENERATED = "results/generated/{name}.mp4"
BUNDLE = "results/bundles/{method}/seed{seed}.h5"


rule export_bundle:
    input:
        unpack(method_models),
        script=script("export_bundle.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
    output:
        BUNDLE,
    log:
        "results/logs/export_bundle/{method}-seed{seed}.log",
    benchmark:
        "results/benchmarks/export_bundle/{method}-seed{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=again(3000),
        runtime=again(20),
    params:
        code=method_code("export_bundle.py"),
        # Not the config: another request is no reason to make all videos again.
        card=lambda w: as_json(
            emohead.generate.card.make_card(config, w.method, int(w.seed))
        ),
    shell:
        "python {input.script:q} --landmarks {input.landmarks} --translator {input.translator} "
        "--features {input.features} --split {input.split} --card {params.card:q} "
        "--out {output} > {log} 2>&1"


rule generate:
    input:
        script=script("generate.py"),
        audio=lambda wildcards: own(generate_request(wildcards)["audio"]),
        face=lambda wildcards: own(generate_request(wildcards)["face"]),
        head=head_video,
        bundle=BUNDLE.format(
            method=config["generate"]["method"], seed=config["seeds"][0]
        ),
    output:
        GENERATED,
    log:
        "results/logs/generate/{name}.log",
    benchmark:
        "results/benchmarks/generate/{name}.tsv"
    wildcard_constraints:
        name="[a-z0-9_-]+",
    conda:
        "../envs/generate.yaml"
    threads: 2
    resources:
        mem_mb=again(4000),
        runtime=again(120),
    params:
        **compared("head", head_flag, lambda w: generate_request(w).get("head")),
        code=code("generate.py"),
        paste=lambda wildcards: flag_if(generate_request(wildcards), "paste"),
        watermark=lambda wildcards: flag_if(generate_request(wildcards), "watermark"),
        blink=lambda wildcards: (
            "" if generate_request(wildcards).get("blink", True) else "--no-blink"
        ),
    shell:
        "python {input.script:q} --audio {input.audio:q} --face {input.face:q} "
        "--bundle {input.bundle} {params.paste} {params.watermark} {params.head} {params.blink} "
        "--threads {threads} "
        "--out {output} > {log} 2>&1"


rule generated:
    input:
        expand(GENERATED, name=config["generate"]["requests"]),
