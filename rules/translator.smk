# translator: landmark drawing + reference face -> frame.


rule fetch_vgg_weights:
    input:
        script=script("fetch_vgg_weights.py"),
    output:
        IMAGENET_WEIGHTS,
    log:
        "results/logs/fetch_vgg_weights.log",
    benchmark:
        "results/benchmarks/fetch_vgg_weights.tsv"
    # Before all others: that there is no internet should be seen early.
    priority: 3
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=again(1000),
        runtime=again(120),
        download=1,
    params:
        # Not the code: another one is no reason to fetch, or to train, again.
        downloads=config["translator"]["downloads"],
    shell:
        "python {input.script:q} --downloads {params.downloads:q} --output {output} > {log} 2>&1"


rule train_translator:
    input:
        script=script("train_translator.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
        vgg_weights=vgg_weights("translator"),
    output:
        model="results/translator/{translator}/seed{seed}/model.pt",
        history="results/translator/{translator}/seed{seed}/history.csv",
        provenance="results/translator/{translator}/seed{seed}/provenance.json",
    log:
        "results/logs/train_translator/{translator}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_translator/{translator}-seed{seed}.tsv"
    # The longest jobs first: the landmark models fill the cores that they leave.
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: train_threads("translator", wildcards.translator)
    resources:
        **training_resources("translator"),
    params:
        **training_params("translator"),
        code=lambda w: digest("train_translator.py", translator=w.translator),
        pictures="results/logs/train_translator/{translator}-seed{seed}/samples",
    shell:
        training_command("--pictures {params.pictures}")
