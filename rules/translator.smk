# translator: landmark drawing + reference face -> frame.


rule train_translator:
    input:
        script=script("train_translator.py"),
        library=library("train_translator.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
    output:
        model="results/translator/{translator}/seed{seed}/model.pt",
        history="results/translator/{translator}/seed{seed}/history.csv",
    log:
        "results/logs/train_translator/{translator}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_translator/{translator}-seed{seed}.tsv"
    # The longest jobs first: the landmark models fill the cores that they leave.
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: config["translator"]["train"]["threads"]
    resources:
        gpu=gpus("translator"),
    params:
        options=lambda wildcards: as_json(
            model_options("translator", wildcards.translator)
        ),
        state="state/translator/{translator}-seed{seed}",
    shell:
        "python {input.script} --features {input.features} --split {input.split} "
        "--options '{params.options}' --seed {wildcards.seed} --state {params.state} "
        "--model {output.model} --history {output.history} > {log} 2>&1"
